-- Gives an active job back to the queue.
-- ARGV: token, job, where ("RPUSH": it is the next; "LPUSH": it is the last;
-- "delayed"), its place among the delayed, when it is due (ms), then fields and
-- values of the job. Returns as drop does.
local token, id, where, score, due = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local dropped = drop(id, token)
if dropped < 0 then return dropped end
if #ARGV > 5 then redis.call('HSET', key(id), unpack(ARGV, 6)) end
if where == 'delayed' then
  redis.call('ZADD', key('delayed'), score, id)
  redis.call('PUBLISH', key('delayed'), due)
else
  enqueue(id, where)
end
return 1
