-- Lets jobs wait again whose worker has gone, and suspects the active ones: who
-- is still suspected and without a lock at the next check has stalled.
-- ARGV: now (ms), interval of the checks (ms), which all workers share. Returns
-- the jobs that had stalled.
local recovered = {}
if not redis.call('SET', key('stalled-check'), ARGV[1], 'PX', ARGV[2], 'NX') then return recovered end

for _, id in ipairs(redis.call('SMEMBERS', key('stalled'))) do
  if redis.call('EXISTS', key(id) .. ':lock') == 0 and redis.call('LREM', key('active'), 1, id) > 0
      and redis.call('EXISTS', key(id)) == 1 then
    redis.call('HINCRBY', key(id), 'stalledCounter', 1)
    enqueue(id, 'RPUSH')
    redis.call('PUBLISH', key('stalled@'), id)
    table.insert(recovered, id)
  end
end
redis.call('DEL', key('stalled'))
for _, id in ipairs(redis.call('LRANGE', key('active'), 0, -1)) do
  redis.call('SADD', key('stalled'), id)
end
return recovered
