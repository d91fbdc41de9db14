-- An answer that is still good: {the name it is kept under, the answer or nothing}.
-- KEYS: the question, then one version for each tag. ARGV: a version for tags that have none,
-- seconds that a version is kept: longer than any answer.
-- The versions are part of the name, so that a new version makes all earlier answers unfindable.
local name = KEYS[1]
for i = 2, #KEYS do
  local version = redis.call('GET', KEYS[i])
  if not version then
    version = ARGV[1]
    redis.call('SET', KEYS[i], version, 'EX', ARGV[2])
  else
    redis.call('EXPIRE', KEYS[i], ARGV[2])
  end
  name = name .. ':' .. version
end
return {name, redis.call('GET', name)}
