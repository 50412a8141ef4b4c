-- One try of one saga: compares the given code with the stored one and claims it.
-- KEYS: the code, the claim, the attempts, the used code.
-- ARGV: the saga, the given code's hash, the TTL of the claim, of the used key, and of the attempts at a code that has
--       none, in milliseconds, and the number of wrong tries allowed.
-- Returns {"claimed"}, {"incorrect"}, {"locked"} or {"duplicate", <the other saga>}.
local code_key, claim_key, attempts_key, used_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local saga, given = ARGV[1], ARGV[2]
local claim_ttl, used_ttl, attempts_ttl, allowed = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])

-- A redelivery of a saga that holds the code, or has used it up.
local holder = redis.call('GET', claim_key)
local state, user, spent = string.match(redis.call('GET', used_key) or '', '^(%a+) (%S+) (%x*)$')
if holder == saga or (user == saga and state == 'deleted') then
  return {'claimed'}
end
if user == saga then
  -- The claim ran out, and nobody has claimed since, or the used key would name another.
  redis.call('SET', claim_key, saga, 'PX', claim_ttl)
  return {'claimed'}
end

local stored = nil
if redis.call('TYPE', code_key).ok == 'string' then
  local code = redis.call('GET', code_key)
  if code and code ~= '' then
    stored = redis.sha1hex(code)
  end
end

-- The code that another saga used, which is not, or no longer, the stored one. Nothing is learnt about the stored one
-- here, so this is no try at it.
if spent == given and spent ~= stored then
  return {'duplicate', user}
end

-- What is remembered of wrong tries: the hash of the code that they were tries at, and each saga.
local try = 'saga:' .. saga
local tries = math.max(0, redis.call('HLEN', attempts_key) - 1)
if tries > 0 then
  if stored and redis.call('HGET', attempts_key, 'code') ~= stored then
    -- The count is bound to one code: a new one starts afresh.
    redis.call('DEL', attempts_key)
    tries = 0
  elseif redis.call('HEXISTS', attempts_key, try) == 1 then
    -- A redelivery of a wrong try is wrong again, without another comparison.
    return {'incorrect'}
  end
end
if tries >= allowed then
  return {'locked'}
end
if not stored then
  return {'incorrect'}
end

-- Counted first, compared then.
local ttl = redis.call('PTTL', code_key)
if ttl < 0 then
  ttl = attempts_ttl
end
redis.call('HSET', attempts_key, 'code', stored, try, 'wrong')
redis.call('PEXPIRE', attempts_key, math.max(1, ttl))
if stored ~= given then
  if tries + 1 >= allowed then
    redis.call('DEL', code_key)
  end
  return {'incorrect'}
end
if tries == 0 then
  redis.call('DEL', attempts_key)
else
  redis.call('HDEL', attempts_key, try)
end

if holder then
  return {'duplicate', holder}
end
redis.call('SET', used_key, 'claimed ' .. saga .. ' ' .. given, 'PX', used_ttl)
redis.call('SET', claim_key, saga, 'PX', claim_ttl)
return {'claimed'}
