-- Renews the caller's locks. ARGV: token, lock (ms), jobs. Returns the jobs whose
-- lock is not the caller's any more.
local lost = {}
for i = 3, #ARGV do
  local lock = key(ARGV[i]) .. ':lock'
  if redis.call('GET', lock) == ARGV[1] then
    redis.call('SET', lock, ARGV[1], 'PX', ARGV[2])
    redis.call('SREM', key('stalled'), ARGV[i])
  else
    table.insert(lost, ARGV[i])
  end
end
return lost
