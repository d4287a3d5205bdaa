import { cell, firstEpochStamp, slotCell, tail } from '../codec.ts';

/*
 * What the programs have in common, in Lua. Each program takes only the pieces that it calls: Redis runs through all of
 * it at every call. The rules are those of domain/session.ts, and the conformance suite holds both to them.
 *
 * Numbers: Lua's are doubles, and `..` writes 14 digits, so milliseconds are exact until the year 5138. Texts are never
 * ordered in Lua, which does so by the server's language; Redis's own sorted sets order by bytes.
 */
type Piece = { uses: readonly PieceName[]; source: string };

export type PieceName =
  | 'rows'
  | 'attempt'
  | 'epochs'
  | 'endOf'
  | 'log'
  | 'head'
  | 'incarnation'
  | 'position'
  | 'event'
  | 'indexes'
  | 'slots'
  | 'putDown'
  | 'bury'
  | 'writeEnd'
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

const endOf = `
-- When a session ends by itself if nothing more happens.
local function deadlineOf(row)
  return math.min(tonumber(row[${cell.expiresAt}]), row[${cell.lastSeenAt}] + row[${cell.idle}])
end

-- Whether and how a session has ended, as { at, by, reason, sequence }: see endOf in domain/session.ts. An end by a
-- deadline that nobody has written down has no sequence. Also answers whether an epoch has moved past the session.
local function endOf(home, row, now)
  if row[${cell.endAt}] ~= '' then
    return { row[${cell.endAt}], row[${cell.endBy}], row[${cell.endReason}], row[${cell.endSequence}] }, false
  end
  local step = epochEnd(home, row[${cell.userId}], row[${cell.epochStamp}], row[${cell.user}])
  local at = deadlineOf(row)
  local passed = tonumber(now) >= at
  if step and not (passed and at < tonumber(step[1])) then return step, true end
  if passed then return { at, 'policy', at == tonumber(row[${cell.expiresAt}]) and 'expired' or 'idle' }, step and true or false end
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
 * unchanged, although it may have been failed over elsewhere; but with each slot that it gets, a node gets a new epoch.
 */
const incarnation = `
local function incarnation()
  local said, ids = redis.call('INFO', 'server', 'replication'), {}
  -- Each is 40 digits; looked for as plain text, which is several times as fast as by a pattern.
  for i, name in ipairs({ 'run_id:', 'master_replid:' }) do
    local _, last = string.find(said, name, 1, true)
    ids[i] = string.sub(said, last + 1, last + 40)
  end
  if string.find(said, '_mode:cluster', 1, true) then
    ids[3] = string.match(redis.call('CLUSTER', 'INFO'), 'cluster_my_epoch:(%d+)')
  end
  return table.concat(ids, '.')
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

const event = `
-- Appends to the audit trail, which numbers itself.
local function event(row)
  return string.match(redis.call('XADD', shared .. 'events', '0-*', 'e', row), '%d+$')
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

-- Puts a live session under its user and its epochs, or takes it away.
local function place(home, id, row)
  redis.call('ZADD', home .. 'u:' .. stamp(row), 0, id)
  if row[${cell.suspended}] == '1' then
    redis.call('ZADD', home .. 'v:' .. stamp(row), 0, id)
    redis.call('ZADD', shared .. 'suspended', 0, id)
  end
end

local function displace(home, id, row)
  redis.call('ZREM', home .. 'u:' .. stamp(row), id)
  if row[${cell.suspended}] == '1' then
    redis.call('ZREM', home .. 'v:' .. stamp(row), id)
    redis.call('ZREM', shared .. 'suspended', id)
  end
end
`;

const slots = `
-- A session has ended: a slot that only its creation made goes with it.
local function letGoOfName(name, id)
  local found = redis.call('GET', shared .. 'slot:' .. name)
  local slot = found and cells(found)
  if slot and slot[${slotCell.kept}] == '0' and slot[${slotCell.sessionId}] == id then
    redis.call('DEL', shared .. 'slot:' .. name)
    redis.call('ZREM', shared .. 'slots', name)
  end
end
`;

const putDown = `
-- Takes a session from its user's live ones to the others. What may fail, when somebody has written something else there,
-- comes first: then nothing has been written.
local function retire(home, id, row)
  redis.call('ZADD', home .. 'x:' .. row[${cell.userId}], 0, id)
  displace(home, id, row)
end

-- Writes down with a session that it has ended. The lists follow with the sweep.
local function putDown(home, id, row, why)
  retire(home, id, row)
  row[${cell.endAt}], row[${cell.endBy}], row[${cell.endReason}], row[${cell.endSequence}] = why[1], why[2], why[3], why[4]
  row[${cell.version}] = row[${cell.version}] + 1
  redis.call('SET', home .. 's:' .. id, joined(row))
  if row[${cell.name}] ~= '' then letGoOfName(row[${cell.name}], id) end
end
`;

const writeEnd = String.raw`
-- Writes an end down that had no entry in the log: entry, event, and the session itself.
local function writeEnd(home, id, row, why, behind, now)
  retire(home, id, row)
  why[4] = log('s', id, now)
  event(table.concat({ 'session.ended', why[1], why[2], row[${cell.userId}], id, why[3], '' }, '\31'))
  -- What an epoch has passed was counted off by the epoch.
  if not behind and row[${cell.suspended}] == '0' then redis.call('DECR', shared .. 'active') end
  putDown(home, id, row, why)
  return why[4]
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
  endOf: { uses: ['epochs'], source: endOf },
  log: { uses: [], source: log },
  head: { uses: [], source: head },
  incarnation: { uses: [], source: incarnation },
  position: { uses: ['head', 'incarnation'], source: position },
  event: { uses: [], source: event },
  indexes: { uses: ['rows'], source: indexes },
  slots: { uses: ['rows'], source: slots },
  putDown: { uses: ['indexes', 'slots'], source: putDown },
  writeEnd: { uses: ['putDown', 'log', 'event'], source: writeEnd },
  bury: { uses: ['indexes'], source: bury },
  latest: { uses: ['rows'], source: latest },
  aging: { uses: ['rows'], source: aging },
};
