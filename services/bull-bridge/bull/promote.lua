-- Lets delayed jobs wait that are due. ARGV: token, what is due (place among the
-- delayed). Returns the place of the first that is not, or false.
local due = redis.call('ZRANGEBYSCORE', key('delayed'), '-inf', ARGV[2], 'LIMIT', 0, 1000)
for _, id in ipairs(due) do
  redis.call('ZREM', key('delayed'), id)
  if redis.call('EXISTS', key(id)) == 1 then
    enqueue(id, 'LPUSH')
    redis.call('HSET', key(id), 'delay', 0)
    redis.call('PUBLISH', key('waiting@') .. ARGV[1], id)
  end
end
return redis.call('ZRANGE', key('delayed'), 0, 0, 'WITHSCORES')[2]
