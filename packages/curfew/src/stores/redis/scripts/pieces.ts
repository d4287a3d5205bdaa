import { cell, firstEpochStamp, tail } from '../codec.ts';

/*
 * What the programs have in common, in Lua. Each program takes only the pieces that it calls: Redis runs through all of
 * it at every call. They know where things are, and no rule.
 *
 * Numbers: Lua's are doubles, and `..` writes 14 digits, so milliseconds are exact until the year 5138. Texts are never
 * ordered in Lua, which does so by the server's language; Redis's own sorted sets order by bytes.
 */
type Piece = { uses: readonly PieceName[]; source: string };

export type PieceName =
  | 'rows'
  | 'attempt'
  | 'epochs'
  | 'deadline'
  | 'log'
  | 'head'
  | 'incarnation'
  | 'position'
  | 'indexes'
  | 'bury'
  | 'latest'
  | 'aging';

const rows = String.raw`
-- The cells of a session's row; what only its servers read is the last one.
local function sessionOf(text)
  return { string.match(text, '^${String.raw`([^\31]*)\31`.repeat(tail - 1)}(.*)$') }
end

-- The cells of any other row, and the row of cells.
local function cells(text)
  local row, n = {}, 0
  for part in string.gmatch(text .. '\31', '([^\31]*)\31') do
    n = n + 1
    row[n] = part
  end
  return row
end

-- The names of a session's aliases. Rows of earlier formats end with another cell, which looks like none.
local function aliasesOf(text)
  local names = {}
  for alias in string.gmatch(string.match(text, '([^\31]*)$'), '[^\30]+') do
    names[#names + 1] = string.match(alias, '^[a-z][a-z0-9-]*:[%w_-]+')
  end
  return names
end

local function joined(row)
  return table.concat(row, '\31')
end

-- The beginning of a session's keys: the tag is in its id.
local function homeOf(id)
  return shared .. '{' .. string.sub(id, 9, 10) .. '}:'
end
`;

const attempt = `
-- What work answers; or why it could not, when somebody's key is not what it should be: the others go on.
local function attempt(work, ...)
  local done, answer = pcall(work, ...)
  if done then return answer end
  return { 'damaged', type(answer) == 'table' and answer.err or answer }
end
`;

const epochs = `
-- The present mark of a group of slots.
local function markOf(home)
  return redis.call('GET', home .. 'm') or '${firstEpochStamp}'
end

local function everyoneOf(mark)
  return tonumber(string.match(mark, '^%d+'))
end

-- The present epochs, everyone's and the user's, and the mark.
local function present(home, userId)
  local mark = markOf(home)
  return everyoneOf(mark), tonumber(redis.call('HGET', home .. 'e:' .. userId, 'n') or 0), mark
end

-- The first step of an epoch past a number. Steps that are forgotten ended nothing that is still live.
local function stepAfter(key, number, last)
  for step = number + 1, last do
    local found = redis.call('HGET', key, step)
    if found then return cells(found) end
  end
end

-- The step that ended what was stamped with a mark and a user's epoch: the first, when both epochs have moved on.
local function epochEnd(home, userId, mark, user)
  if markOf(home) == mark then return end
  local everyone, presentEveryone, presentUser = everyoneOf(mark), present(home, userId)
  local byEveryone = presentEveryone > everyone and stepAfter(shared .. 'everyone', everyone, presentEveryone)
  local byUser = presentUser > tonumber(user) and stepAfter(home .. 'e:' .. userId, user, presentUser)
  if not (byEveryone and byUser) then return byEveryone or byUser or nil end
  return tonumber(byUser[4]) < tonumber(byEveryone[4]) and byUser or byEveryone
end
`;

const deadline = `
-- When a session ends by itself if nothing more happens.
local function deadlineOf(row)
  return math.min(tonumber(row[${cell.expiresAt}]), row[${cell.lastSeenAt}] + row[${cell.idle}])
end
`;

const log = String.raw`
-- Appends to the change log, which numbers itself: kind s (a session), u (a user), k (an API key) or a (all). All entries of one script are
-- of one microsecond, and none of them touches what another one does.
local function log(kind, subject, at)
  local row = at .. '\31' .. kind .. '\31' .. subject .. '\31' .. table.concat(redis.call('TIME'), '.')
  return tonumber(string.match(redis.call('XADD', shared .. 'log', '0-*', 'e', row), '%d+$'))
end
`;

const head = `
-- The number of a stream's newest entry, also when that is gone.
local function newest(stream)
  local info = redis.pcall('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return tonumber(string.match(info[i + 1], '%d+$')) end
  end
  return 0
end

-- The number of the log's newest entry.
local function head()
  return newest(shared .. 'log')
end
`;

/*
 * What Redis cannot fake: the id of its process, and the id of its history, which changes when a replica is promoted. A
 * restart from an older file is another process. A slot that leaves a node of a Cluster and comes back finds both
 * unchanged, although it may have been failed over elsewhere; so the data itself counts how often it was somewhere else
 * (`renewNode`).
 */
const incarnation = `
local function incarnation()
  local said, ids = redis.call('INFO', 'server', 'replication'), {}
  -- Each is 40 digits; looked for as plain text, which is several times as fast as by a pattern.
  for i, name in ipairs({ 'run_id:', 'master_replid:' }) do
    local _, last = string.find(said, name, 1, true)
    ids[i] = string.sub(said, last + 1, last + 40)
  end
  local here = table.concat(ids, '.')
  if not string.find(said, '_mode:cluster', 1, true) then return here end
  local place, moves = unpack(redis.call('HMGET', shared .. 'state', 'place', 'moves'))
  if place and place ~= here then moves = moves + 1 end
  return here .. '.' .. (moves or 0), here, moves or 0
end
`;

const position = `
-- The mark of an entry; nothing when the log has no such entry. Before the first one it is empty.
local function markAt(sequence)
  if tonumber(sequence) == 0 then return '' end
  local entry = redis.call('XRANGE', shared .. 'log', '0-' .. sequence, '0-' .. sequence)[1]
  return entry and entry[2][2]
end

-- The newest entry, the incarnation, and the time in milliseconds.
local function present()
  local sequence, time = head(), redis.call('TIME')
  return { sequence, markAt(sequence) or '', incarnation(), time[1] * 1000 + math.floor(time[2] / 1000) }
end
`;

const indexes = String.raw`
local function stamp(row)
  return string.match(row[${cell.epochStamp}], '^%d+') .. '.' .. row[${cell.user}] .. ':' .. row[${cell.userId}]
end

-- What a session is found by, besides its user: see tagsOf in keys.ts.
local function tagsOf(row)
  local tags = {}
  for group in string.gmatch(row[${cell.groups}], '[^\30]+') do tags[#tags + 1] = 'g:' .. group end
  if row[${cell.ip}] ~= '' then tags[#tags + 1] = 'a:' .. row[${cell.ip}] end
  if row[${cell.name}] ~= '' then tags[#tags + 1] = 'n:' .. row[${cell.name}] end
  return tags
end

-- Puts a live session under its user and its epochs.
local function place(home, id, row)
  redis.call('ZADD', home .. 'u:' .. stamp(row), 0, id)
  if row[${cell.suspended}] == '1' then
    redis.call('ZADD', home .. 'v:' .. stamp(row), 0, id)
    redis.call('ZADD', shared .. 'suspended', 0, id)
  end
end
`;

const bury = `
-- Moves a session whose end is written down from the lists of the living to those of the past.
local function bury(id, row, writtenAt)
  redis.call('ZREM', shared .. 'live', id)
  redis.call('ZREM', shared .. 'deadlines', id)
  redis.call('ZADD', shared .. 'past', 0, id)
  redis.call('ZADD', shared .. 'graves', writtenAt, id)
  for _, tag in ipairs(tagsOf(row)) do
    redis.call('ZREM', shared .. 'l:' .. tag, id)
    redis.call('ZADD', shared .. 'p:' .. tag, 0, id)
  end
end
`;

const latest = `
-- The latest time in entries of a stream, which stands in a certain cell. What a wrong clock wrote, and was corrected up to
-- some entry, counts for it no more.
local function latestOf(entries, place, corrected)
  local latest, from = 0, tonumber(string.match(corrected or '', '%d+$') or 0)
  for _, entry in ipairs(entries) do
    if tonumber(string.match(entry[1], '%d+$')) > from then
      latest = math.max(latest, tonumber(cells(entry[2][2])[place]))
    end
  end
  return latest
end

-- The latest time of what the sweep has followed, and of so many events and entries of the log at most that come after
-- these. Also answers up to where it has read, and whether there may be more.
local function latestTime(event, entry, most)
  local state = redis.call('HMGET', shared .. 'state', 'time', 'placed', 'buried', 'mendedEvents', 'mendedLog')
  local function since(stream, place, reached, followed, corrected)
    local from = math.max(tonumber(reached), tonumber(followed or 0))
    local entries = redis.call('XRANGE', shared .. stream, '(0-' .. from, '+', 'COUNT', most)
    local last = entries[#entries]
    return latestOf(entries, place, corrected), last and string.match(last[1], '%d+$') or reached, #entries == tonumber(most)
  end
  local ofEvents, lastEvent, moreEvents = since('events', 2, event, state[2], state[4])
  local ofLog, lastEntry, moreLog = since('log', 1, entry, state[3], state[5])
  return math.max(tonumber(state[1] or 0), ofEvents, ofLog), lastEvent, lastEntry, moreEvents or moreLog
end

-- The sweep notes the latest time of what it has followed.
local function noteTime(time)
  if time > tonumber(redis.call('HGET', shared .. 'state', 'time') or 0) then
    redis.call('HSET', shared .. 'state', 'time', time)
  end
end
`;

const aging = `
-- The sweep looks at a user's epoch, once its last step is old.
local function age(home, userId)
  local key = home .. 'e:' .. userId
  local last = redis.pcall('HGET', key, 'n')
  local step = type(last) == 'string' and redis.call('HGET', key, last)
  if step then redis.call('ZADD', shared .. 'epochs', cells(step)[1], home .. '\\31' .. userId) end
end
`;

export const pieces: Readonly<Record<PieceName, Piece>> = {
  rows: { uses: [], source: rows },
  attempt: { uses: [], source: attempt },
  epochs: { uses: ['rows'], source: epochs },
  deadline: { uses: [], source: deadline },
  log: { uses: [], source: log },
  head: { uses: [], source: head },
  incarnation: { uses: [], source: incarnation },
  position: { uses: ['head', 'incarnation'], source: position },
  indexes: { uses: ['rows'], source: indexes },
  bury: { uses: ['indexes'], source: bury },
  latest: { uses: ['rows'], source: latest },
  aging: { uses: ['rows'], source: aging },
};
