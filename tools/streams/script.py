"""The one command that writes what all runs of a process have queued.

Each stream has a lock that names its writer. Whoever claimed the run last holds it, so a process
that lost a run while it stood still adds nothing to the log any more, not even that it begins; and
who has the run takes the lock with whatever it writes first. What to write goes in as one JSON text
and the ids come out as one: redis-py is slow at many small arguments.
"""

APPEND = """
local function claimed(writer)
  return tonumber(string.match(writer, '^%d+%.(%d+)')) or 0
end
local answers = {}
for i, group in ipairs(cjson.decode(ARGV[1])) do
  local log, writer, starts_over, events = unpack(group)
  local lock, is_writer = log .. ':writer', true
  if writer ~= '' then
    local holder = redis.call('GET', lock)
    is_writer = not holder or holder == writer or claimed(writer) > claimed(holder)
    if is_writer and holder ~= writer then redis.call('SET', lock, writer, 'EX', ARGV[3]) end
  end
  local answer = {is_writer and '1' or '0'}
  if is_writer then
    if starts_over then redis.call('DEL', log) end
    for _, event in ipairs(events) do
      answer[#answer + 1] = redis.call('XADD', log, 'MAXLEN', '~', ARGV[2], '*',
        'event', event[1], 'data', event[2], 'by', writer, 'n', event[3])
    end
    redis.call('EXPIRE', log, ARGV[3])
  end
  answers[i] = table.concat(answer, ',')
end
return table.concat(answers, ';')
"""
