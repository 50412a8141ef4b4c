-- Takes waiting jobs: they become active, and locked by the caller.
-- ARGV: token, lock (ms), now (ms), jobs at most, limit (jobs; 0 for none),
-- period of the limit (ms), and a job that is in the active list already.
-- Returns how long to wait (ms) because of the limit, then {id, field, value, ...} for each job.
local token, lock, now, room = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local limit, period, popped = tonumber(ARGV[5]), ARGV[6], ARGV[7]

-- limited returns for how long no job may begin. The count is shared with all
-- workers of the queue.
local function limited()
  if limit == 0 or tonumber(redis.call('GET', key('limiter')) or '0') < limit then return 0 end
  local left = redis.call('PTTL', key('limiter'))
  if left < 0 then redis.call('PEXPIRE', key('limiter'), period) end
  return math.max(left, 1)
end

local function count()
  if limit == 0 then return end
  if redis.call('INCR', key('limiter')) == 1 then redis.call('PEXPIRE', key('limiter'), period) end
end

-- unlimit forgets that another worker had delayed the job because of the limit.
local function unlimit(id)
  local set = redis.call('HGET', key('limiter:index'), id)
  if not set then return end
  redis.call('SREM', set, id)
  redis.call('HDEL', key('limiter:index'), id)
end

-- begin makes a job in the active list the caller's. One whose data is gone was
-- removed while it waited.
local function begin(id)
  redis.call('SREM', key('stalled'), id)
  redis.call('ZREM', key('priority'), id)
  unlimit(id)
  local job = redis.call('HGETALL', key(id))
  if #job == 0 then
    redis.call('LREM', key('active'), 1, id)
    return nil
  end
  count()
  redis.call('SET', key(id) .. ':lock', token, 'PX', lock)
  redis.call('HSET', key(id), 'processedOn', now)
  redis.call('PUBLISH', key('active@') .. token, id)
  table.insert(job, 1, id)
  return job
end

local result = {0}
while #result <= room do
  result[1] = limited()
  if result[1] > 0 then
    if popped ~= '' then
      redis.call('LREM', key('active'), 1, popped)
      enqueue(popped, 'RPUSH')
    end
    break
  end
  local id = popped
  if id == '' then id = redis.call('RPOPLPUSH', key('wait'), key('active')) end
  if not id then
    if #result == 1 then redis.call('PUBLISH', key('drained'), '') end
    break
  end
  popped = ''
  table.insert(result, begin(id))
end
return result
