-- The user of this saga is created: deletes the code, once, and this saga's claim.
-- KEYS: the code, the claim, the attempts, the used code.
-- ARGV: the saga, and the TTL of the used key in milliseconds.
local code_key, claim_key, attempts_key, used_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local saga, used_ttl = ARGV[1], ARGV[2]

-- Done before: what is stored now was stored since, for another purpose.
local state, user, spent = string.match(redis.call('GET', used_key) or '', '^(%a+) (%S+) (%x*)$')
if user == saga and state == 'deleted' then
  return 0
end

-- Whatever code is stored: the user exists, so none can serve any more.
local code = nil
if redis.call('TYPE', code_key).ok == 'string' then
  code = redis.call('GET', code_key)
  redis.call('DEL', code_key)
end
if user ~= saga then
  -- The claim and its trace are gone, after an outage perhaps, or are those of an earlier attempt at this saga. The code
  -- that was stored is the best guess at the one used; where none was, that which was deleted before.
  if code and code ~= '' then
    spent = redis.sha1hex(code)
  elseif state ~= 'deleted' then
    spent = ''
  end
end
redis.call('SET', used_key, 'deleted ' .. saga .. ' ' .. spent, 'PX', used_ttl)
redis.call('DEL', attempts_key)
if redis.call('GET', claim_key) == saga then
  redis.call('DEL', claim_key)
end
return 1
