-- Ends an active job as completed or failed.
-- ARGV: token, job, now (ms), "completed" or "failed", what is published, jobs
-- kept in that state (-1 for all), their age (ms; -1 for any), then fields and
-- values of the job. Returns as drop does.
local token, id, now, state, message = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local keep, age = tonumber(ARGV[6]), tonumber(ARGV[7])
local many = 1000 -- jobs removed in one go, so that nobody waits long for Redis

local function remove(ids)
  for _, old in ipairs(ids) do
    redis.call('ZREM', key(state), old)
    redis.call('DEL', key(old), key(old) .. ':logs')
  end
end

local dropped = drop(id, token)
if dropped < 0 then return dropped end

-- The producer's debounce key, unless it ends by itself.
local debounce = redis.call('HGET', key(id), 'deid')
if debounce and redis.call('PTTL', key('de:') .. debounce) == -1 then
  redis.call('DEL', key('de:') .. debounce)
end

if keep == 0 then
  remove({id})
else
  redis.call('ZADD', key(state), now, id)
  redis.call('HSET', key(id), 'finishedOn', now, unpack(ARGV, 8))
  if age >= 0 then
    remove(redis.call('ZRANGEBYSCORE', key(state), '-inf', tonumber(now) - age, 'LIMIT', 0, many))
  end
  local over = redis.call('ZCARD', key(state)) - keep
  if keep > 0 and over > 0 then
    remove(redis.call('ZRANGE', key(state), 0, math.min(over, many) - 1))
  end
end
redis.call('PUBLISH', key(state), message)
return 1
