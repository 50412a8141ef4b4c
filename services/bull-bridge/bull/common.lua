-- What the scripts share; it stands before each of them. KEYS[1] is what every
-- key of the queue begins with: "bull:Create_User:".
local base = KEYS[1]

-- key returns the name of one of the queue's keys.
local function key(name) return base .. name end

-- waiting returns the list that waiting jobs belong to now: workers do not see
-- that of a paused queue.
local function waiting()
  if redis.call('EXISTS', key('meta-paused')) == 1 then return key('paused') end
  return key('wait')
end

-- priority returns the priority of a job: 0 has none, 1 is the most urgent.
local function priority(id)
  return tonumber(redis.call('HGET', key(id), 'priority') or '0') or 0
end

-- rank puts a job of some priority into the list, whose right end is taken
-- first: to the left of all that are as urgent or more.
local function rank(list, id, urgency)
  local ahead = redis.call('ZCOUNT', key('priority'), 0, urgency)
  redis.call('ZADD', key('priority'), urgency, id)
  if ahead == 0 then
    redis.call('RPUSH', list, id)
    return
  end
  local last = redis.call('LINDEX', list, -ahead)
  if last then
    redis.call('LINSERT', list, 'BEFORE', last, id)
  else
    redis.call('LPUSH', list, id)
  end
end

-- enqueue lets a job wait: by its priority, or else at the end that push names.
local function enqueue(id, push)
  local urgency = priority(id)
  if urgency > 0 then
    rank(waiting(), id, urgency)
  else
    redis.call(push, waiting(), id)
  end
end

-- drop gives up an active job. It returns 1, or why the caller may not: -1 when
-- there is no such job, -2 when somebody else may be at it, because the lock is
-- not the caller's.
local function drop(id, token)
  if redis.call('EXISTS', key(id)) == 0 then
    redis.call('LREM', key('active'), -1, id)
    redis.call('SREM', key('stalled'), id)
    redis.call('DEL', key(id) .. ':lock')
    return -1
  end
  if redis.call('GET', key(id) .. ':lock') ~= token then return -2 end
  redis.call('DEL', key(id) .. ':lock')
  redis.call('SREM', key('stalled'), id)
  if redis.call('LREM', key('active'), -1, id) == 0 then return -2 end
  return 1
end
