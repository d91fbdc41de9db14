-- Give a slot back and keep what its answer said about the limits; an empty value is not known.
-- KEYS: slots, waiting, seen
-- ARGV: token, minute left, day left, milliseconds to rest, what it rests for, 1 if all went well
local slots, waiting, seen = unpack(KEYS)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

redis.call('ZREM', slots, ARGV[1])
redis.call('ZREM', waiting, ARGV[1])
if ARGV[2] ~= '' then
  redis.call('HSET', seen, 'minute_left', ARGV[2], 'minute_at', now)
  redis.call('HDEL', seen, 'tried_at')
end
if ARGV[3] ~= '' then
  redis.call('HSET', seen, 'day_left', ARGV[3], 'day_at', now)
end
local rest = tonumber(ARGV[4])
if rest > 0 and now + rest > tonumber(redis.call('HGET', seen, 'rests_until') or '0') then
  redis.call('HSET', seen, 'rests_until', now + rest, 'rests_for', ARGV[5])
end
if ARGV[6] == '1' then
  redis.call('HSET', seen, 'ok_at', now)
end
redis.call('EXPIRE', seen, 90000)
return 1
