-- This saga has failed: frees what it holds, so that the code can be claimed again.
-- KEYS: the code, the claim, the attempts, the used code.
-- ARGV: the saga.
local claim_key, used_key = KEYS[2], KEYS[4]
local saga = ARGV[1]

if redis.call('GET', claim_key) == saga then
  redis.call('DEL', claim_key)
end
-- A saga that has deleted its code succeeded, and keeps the trace of that.
local state, user = string.match(redis.call('GET', used_key) or '', '^(%a+) (%S+) (%x*)$')
if user == saga and state == 'claimed' then
  redis.call('DEL', used_key)
end
return 1
