-- Take a slot for one call: {1}, or {0, milliseconds to wait, what it waits for}.
-- KEYS: slots, waiting, minute, hours, seen
-- ARGV: token, lane, slots, calls a minute, calls a day, slot ms, minute ms, kept for chat (0..1)
local slots, waiting, minute, hours, seen = unpack(KEYS)
local token, is_chat = ARGV[1], ARGV[2] == 'chat'
local most_slots, per_minute, per_day = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local slot_ms, minute_ms, kept = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local NEWS_MS, TRIAL_MS, WAITING_MS = 600000, 5000, 1000

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function known(field)
  return tonumber(redis.call('HGET', seen, field) or '')
end

local function wait(milliseconds, reason)
  if is_chat then
    redis.call('ZADD', waiting, now + WAITING_MS, token)
    redis.call('PEXPIRE', waiting, WAITING_MS)
  end
  return {0, milliseconds, reason}
end

-- Xero has told us to stay away.
local rests_until = known('rests_until') or 0
if rests_until > now then
  return {0, rests_until - now, redis.call('HGET', seen, 'rests_for')}
end

-- The day: what Xero said last counts, else our own count. Old news is found out by one call.
local hour, used = math.floor(now / 3600000), 0
local counts = redis.call('HGETALL', hours)
for i = 1, #counts, 2 do
  if tonumber(counts[i]) < hour - 24 then
    redis.call('HDEL', hours, counts[i])
  else
    used = used + tonumber(counts[i + 1])
  end
end
local day_left, day_at = known('day_left'), known('day_at')
local is_news = day_left and day_at and now - day_at < NEWS_MS
local left = is_news and day_left or per_day - used
if left <= (is_chat and 0 or per_day * kept) then
  if is_news then
    return {0, -1, 'day'}
  end
  redis.call('HSET', seen, 'day_left', left, 'day_at', now)
end

-- The minute. Background work leaves a part of it to the chat.
redis.call('ZREMRANGEBYSCORE', minute, '-inf', now - minute_ms)
local most = is_chat and per_minute or math.max(math.floor(per_minute * (1 - kept)), 1)
local count = redis.call('ZCARD', minute)
if count >= most then
  local first = redis.call('ZRANGE', minute, count - most, count - most, 'WITHSCORES')
  return wait(math.max(first[2] + minute_ms - now, 1), 'minute')
end
local minute_left, minute_at = known('minute_left'), known('minute_at')
if minute_left and minute_left <= 0 and now - minute_at < minute_ms then
  local tried_at = known('tried_at') or minute_at
  if now - tried_at < TRIAL_MS then
    return wait(tried_at + TRIAL_MS - now, 'minute')
  end
  redis.call('HSET', seen, 'tried_at', now)
end

-- Calls in progress. Who was killed loses the slot when its time is over.
redis.call('ZREMRANGEBYSCORE', slots, '-inf', now)
redis.call('ZREMRANGEBYSCORE', waiting, '-inf', now)
local running = redis.call('ZCARD', slots)
local is_behind = not is_chat and redis.call('ZCARD', waiting) > 0
if is_behind or running >= (is_chat and most_slots or most_slots - 1) then
  return wait(25, 'concurrent')
end

redis.call('ZREM', waiting, token)
redis.call('ZADD', slots, now + slot_ms, token)
redis.call('ZADD', minute, now, token)
redis.call('HINCRBY', hours, hour, 1)
if day_left then redis.call('HINCRBY', seen, 'day_left', -1) end
if minute_left then redis.call('HINCRBY', seen, 'minute_left', -1) end
redis.call('PEXPIRE', slots, slot_ms)
redis.call('PEXPIRE', minute, minute_ms)
redis.call('EXPIRE', hours, 90000)
redis.call('EXPIRE', seen, 90000)
return {1}
