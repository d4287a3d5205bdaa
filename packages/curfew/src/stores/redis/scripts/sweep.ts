import { eventsPerBlock } from '../../event-times.ts';
import { cell, format } from '../codec.ts';
import { type Script, writingWhenFull } from './script.ts';

/*
 * The sweep in small pieces. Each looks at its sessions again in the same step in which it writes, and what is still to be
 * done is kept in Redis: any number of nodes may sweep at once. They run when Redis is full too, for they make room.
 */

/** How many steps of one user's epoch are forgotten at once. */
const stepsOfPiece = 100;

/** Milliseconds until a session is looked at again that could not be dealt with. */
const lookAgain = 60_000;

const settle = `
local function settleOne(home, id, row, now)
  local why, behind = endOf(home, row, now)
  if not why then return { false, false } end
  local expired = not why[4]
  if row[${cell.endAt}] ~= '' then
    -- It was written down when its entry was.
    local entry = redis.call('XRANGE', shared .. 'log', '0-' .. why[4], '0-' .. why[4])[1]
    bury(id, row, entry and cells(entry[2][2])[1] or now)
    return { 'before', false }
  end
  if expired then writeEnd(home, id, row, why, behind, now) else putDown(home, id, row, why) end
  bury(id, row, now)
  return { true, expired }
end

-- Writes down how a session ended that nothing was written down of, and moves it to the past. Answers whether it had ended
-- at all ('before': and was written down), whether by a deadline that had no entry in the log, and whether it could not be
-- because a key of its user is not what it should be: the others go on.
local function settle(home, id, row, now)
  local ended, expired = unpack(attempt(settleOne, home, id, row, now))
  if ended == 'damaged' then return false, false, true end
  return ended, expired, false
end

local function rowOf(home, id)
  local text = redis.call('GET', home .. 's:' .. id)
  return text and sessionOf(text)
end
`;

/** Places those in the lists that were created since the last time, as their events tell. ARGV: how many events. */
export const placeCreated: Script = writingWhenFull({
  name: 'placeCreated',
  uses: ['indexes', 'endOf', 'latest'],
  body: `
local placed = redis.call('HGET', shared .. 'state', 'placed') or 0
local entries = redis.call('XRANGE', shared .. 'events', '(0-' .. placed, '+', 'COUNT', ARGV[1])
for _, entry in ipairs(entries) do
  local told = cells(entry[2][2])
  local id = told[5]
  local text = told[1] == 'session.created' and redis.call('GET', homeOf(id) .. 's:' .. id)
  local row = text and sessionOf(text)
  -- One whose end is written down stays among the living until the sweep comes to that, unless it has come to it already.
  if row and (row[${cell.endAt}] == '' or not redis.call('ZSCORE', shared .. 'graves', id)) then
    redis.call('ZADD', shared .. 'live', 0, id)
    redis.call('ZADD', shared .. 'deadlines', deadlineOf(row), id)
    for _, tag in ipairs(tagsOf(row)) do redis.call('ZADD', shared .. 'l:' .. tag, 0, id) end
  end
  if told[1] == 'session.created' then redis.call('ZREM', shared .. 'fresh', id) end
end
-- Nothing is left; what still stands there was placed by a server of an earlier version.
if #entries < tonumber(ARGV[1]) then redis.call('UNLINK', shared .. 'fresh') end
noteTime(latestOf(entries, 2, redis.call('HGET', shared .. 'state', 'mendedEvents')))
if #entries > 0 then redis.call('HSET', shared .. 'state', 'placed', string.match(entries[#entries][1], '%d+$')) end
return #entries
`,
});

/** Looks at sessions whose deadline has come: ends them, or notes a later one. ARGV: now, how many. */
export const expire: Script = writingWhenFull({
  name: 'expire',
  uses: ['writeEnd', 'bury', 'endOf', 'attempt'],
  body: `${settle}
local now = ARGV[1]
local due = redis.call('ZRANGE', shared .. 'deadlines', '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[2])
local looked, settled, expired, before = #due, 0, 0, 0
for _, id in ipairs(due) do
  local home = homeOf(id)
  local row = rowOf(home, id)
  if not row then
    redis.call('ZREM', shared .. 'deadlines', id)
    redis.call('ZREM', shared .. 'live', id)
  else
    local ended, byDeadline, damaged = settle(home, id, row, now)
    if damaged then
      redis.call('ZADD', shared .. 'deadlines', now + ${lookAgain}, id)
    elseif not ended then
      redis.call('ZADD', shared .. 'deadlines', deadlineOf(row), id)
    end
    if byDeadline then expired = expired + 1 elseif ended == 'before' then before = before + 1 elseif ended then settled = settled + 1 end
  end
end
return { looked, settled, expired, before }
`,
});

/** Follows the ends of all of a user, session by session. ARGV: now, how many. */
export const settleUsers: Script = writingWhenFull({
  name: 'settleUsers',
  uses: ['writeEnd', 'bury', 'endOf', 'attempt', 'aging'],
  body: `${settle}
local now, most = ARGV[1], tonumber(ARGV[2])
local item = redis.call('ZRANGE', shared .. 'left', 0, 0)[1]
if not item then return { 0, 0, 0, 0 } end
local where = cells(item)
local home, key, userId = where[1], where[1] .. 'u:' .. where[2], where[3]
local left = redis.pcall('ZRANGE', key, 0, most - 1)
local expired, settled, before = 0, 0, 0
-- Others come first, when somebody has written something else into a key of this user: entries are numbered below any time.
local function leave()
  redis.call('ZADD', shared .. 'left', now, item)
  return { 0, settled, expired, before }
end
if left.err then return leave() end
for _, id in ipairs(left) do
  local row = rowOf(home, id)
  local ended, byDeadline, damaged = false, false, false
  if row then ended, byDeadline, damaged = settle(home, id, row, now) end
  if damaged then return leave() end
  -- Whatever is no session of this place goes from it; a live one that should stand elsewhere is put there.
  if not ended then
    redis.call('ZREM', key, id)
    if row then place(home, id, row) end
  end
  if byDeadline then expired = expired + 1 elseif ended == 'before' then before = before + 1 elseif ended then settled = settled + 1 end
end
if #left < most or redis.call('ZCARD', key) == 0 then
  redis.call('ZREM', shared .. 'left', item)
  if redis.call('HINCRBY', home .. 'e:' .. userId, 'left', -1) == 0 then age(home, userId) end
end
return { math.max(#left, 1), settled, expired, before }
`,
});

/** Follows the ends of everyone: a walk over the living from where the last piece stopped. ARGV: now, how many. */
export const settleEveryone: Script = writingWhenFull({
  name: 'settleEveryone',
  uses: ['writeEnd', 'bury', 'endOf', 'attempt'],
  body: `${settle}
local now, most = ARGV[1], tonumber(ARGV[2])
local state = redis.call('HMGET', shared .. 'state', 'walk', 'walkEvents', 'placed')
local walked = state[1]
if not walked or tonumber(state[3] or 0) < tonumber(state[2]) then return { 0, 0, 0, 0 } end
local from = walked == '' and '-' or '(' .. walked
local ids = redis.call('ZRANGE', shared .. 'live', from, '+', 'BYLEX', 'LIMIT', 0, most)
local expired, settled, before = 0, 0, 0
for _, id in ipairs(ids) do
  local home = homeOf(id)
  local row = rowOf(home, id)
  if not row then
    redis.call('ZREM', shared .. 'live', id)
  else
    local ended, byDeadline = settle(home, id, row, now)
    if byDeadline then expired = expired + 1 elseif ended == 'before' then before = before + 1 elseif ended then settled = settled + 1 end
  end
end
if #ids < most then
  redis.call('HDEL', shared .. 'state', 'walk', 'walkFrom', 'walkEvents')
else
  redis.call('HSET', shared .. 'state', 'walk', ids[#ids])
end
return { math.max(#ids, 1), settled, expired, before }
`,
});

/** Moves those to the past whose end the log tells of since the last time. ARGV: how many entries. */
export const buryEnded: Script = writingWhenFull({
  name: 'buryEnded',
  uses: ['bury', 'latest'],
  body: `
local buried = redis.call('HGET', shared .. 'state', 'buried') or 0
local entries = redis.call('XRANGE', shared .. 'log', '(0-' .. buried, '+', 'COUNT', ARGV[1])
for _, entry in ipairs(entries) do
  local at, kind, id = unpack(cells(entry[2][2]))
  local text = kind == 's' and redis.call('GET', homeOf(id) .. 's:' .. id)
  local row = text and sessionOf(text)
  -- Earlier entries of a session tell of something else.
  if row and row[${cell.endSequence}] == string.match(entry[1], '%d+$') then bury(id, row, at) end
end
noteTime(latestOf(entries, 1, redis.call('HGET', shared .. 'state', 'mendedLog')))
if #entries > 0 then redis.call('HSET', shared .. 'state', 'buried', string.match(entries[#entries][1], '%d+$')) end
return #entries
`,
});

/** Forgets ended sessions whose end was written down at a moment or before. ARGV: the moment, how many. */
export const forgetEnded: Script = writingWhenFull({
  name: 'forgetEnded',
  uses: ['indexes', 'aging'],
  body: `
local old = redis.call('ZRANGE', shared .. 'graves', '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2])
for _, id in ipairs(old) do
  local home = homeOf(id)
  local text = redis.call('GET', home .. 's:' .. id)
  if text then
    local row = sessionOf(text)
    for _, alias in ipairs(aliasesOf(text)) do
      if redis.call('GET', shared .. 'alias:' .. alias) == id then redis.call('DEL', shared .. 'alias:' .. alias) end
    end
    for _, tag in ipairs(tagsOf(row)) do redis.call('ZREM', shared .. 'p:' .. tag, id) end
    local ended = home .. 'x:' .. row[${cell.userId}]
    redis.pcall('ZREM', ended, id)
    redis.call('DEL', home .. 's:' .. id)
    if redis.pcall('ZCARD', ended) == 0 then age(home, row[${cell.userId}]) end
  end
  redis.call('ZREM', shared .. 'past', id)
  redis.call('ZREM', shared .. 'graves', id)
end
return #old
`,
});

/**
 * Cuts the old ends off the log and the events; their numbering goes on. What the sweep still has to follow is kept for
 * that. Of the log the newest that is old stays: whoever has read it finds it there, and knows that what follows it
 * follows. ARGV: the moments up to which entries and events go, how many. Answers how many went.
 */
export const trimStreams: Script = writingWhenFull({
  name: 'trimStreams',
  uses: ['rows'],
  body: `
local function trim(stream, place, oldest, followed, kept)
  local old = {}
  for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+', 'COUNT', ARGV[3] + kept)) do
    local number = tonumber(string.match(entry[1], '%d+$'))
    if tonumber(cells(entry[2][2])[place]) > tonumber(oldest) or number > followed then break end
    old[#old + 1] = number
  end
  local count = math.max(#old - kept, 0)
  if count > 0 then redis.call('XTRIM', stream, 'MINID', '0-' .. old[count] + 1) end
  return count
end
local state = redis.call('HMGET', shared .. 'state', 'buried', 'placed')
return math.max(
  trim(shared .. 'log', 1, ARGV[1], tonumber(state[1] or 0), 1),
  trim(shared .. 'events', 2, ARGV[2], tonumber(state[2] or 0), 0)
)
`,
});

/**
 * Writes down the times of the next complete block of events, and forgets those of blocks whose events are gone. Answers 1
 * if there was one to write down.
 */
export const recordTimes: Script = writingWhenFull({
  name: 'recordTimes',
  body: `
local key, events, size = shared .. 'times', shared .. 'events', ${eventsPerBlock}
local function numberOf(entries) return tonumber(string.match(entries[1][1], '%d+$')) end
local oldest = redis.call('XRANGE', events, '-', '+', 'COUNT', 1)
if #oldest == 0 then return 0 end
local first = math.floor(numberOf(oldest) / size)
redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. first)
local block = math.max(first, (redis.call('ZRANGE', key, 0, 0, 'REV', 'WITHSCORES')[2] or -1) + 1)
local from, to = block * size, (block + 1) * size - 1
if numberOf(redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)) < to then return 0 end
local earliest, latest = math.huge, -math.huge
for _, entry in ipairs(redis.call('XRANGE', events, '0-' .. from, '0-' .. to)) do
  local at = tonumber(string.match(entry[2][2], '^[^\\31]*\\31(%d+)'))
  earliest, latest = math.min(earliest, at), math.max(latest, at)
end
redis.call('ZADD', key, block, string.format('%d %.0f %.0f', block, earliest, latest))
return 1
`,
});

/**
 * Forgets steps of epochs that are written down everywhere and old. The last one carries the present number, so it stays
 * as long as there is any session of the user, live or ended, and is looked at again when the last one is forgotten;
 * everyone's stays for good. Also empties attempts that have run out, and notes the format. ARGV: the moment up to which
 * steps go, now, how many. Answers how many were looked at.
 */
export const forgetRest: Script = writingWhenFull({
  name: 'forgetRest',
  uses: ['rows'],
  body: `
local oldest, now, most = ARGV[1], ARGV[2], ARGV[3]
local everyone = tonumber(redis.call('HGET', shared .. 'state', 'everyone') or 0)
local walking = redis.call('HEXISTS', shared .. 'state', 'walk') == 1
-- While the sweep still follows an end of everyone, sessions may stand anywhere.
local users = walking and {} or redis.call('ZRANGE', shared .. 'epochs', '-inf', oldest, 'BYSCORE', 'LIMIT', 0, most)
local function isEmpty(key) return redis.pcall('ZCARD', key) == 0 end
-- All steps but the last one, or of very many the oldest; they are numbered without a gap. Answers whether some are left.
local function forgetSteps(key, last, others)
  local count = redis.call('HLEN', key) - others
  if count <= ${stepsOfPiece} then
    for _, field in ipairs(redis.call('HKEYS', key)) do
      if tonumber(field) and field ~= last then redis.call('HDEL', key, field) end
    end
    return false
  end
  for step = last - count + 1, last - count + ${stepsOfPiece} do redis.call('HDEL', key, step) end
  return true
end
local isLeft = false
for _, item in ipairs(users) do
  local place = cells(item)
  local key, userId = place[1] .. 'e:' .. place[2], place[2]
  local state = redis.pcall('HMGET', key, 'n', 'left')
  if state.err then
    redis.call('ZADD', shared .. 'epochs', now, item)
  elseif tonumber(state[2] or 0) > 0 then
    redis.call('ZADD', shared .. 'epochs', '+inf', item)
  elseif isEmpty(place[1] .. 'u:' .. everyone .. '.' .. (state[1] or 0) .. ':' .. userId)
    and isEmpty(place[1] .. 'x:' .. userId) then
    redis.call('UNLINK', key)
    redis.call('ZREM', shared .. 'epochs', item)
  elseif forgetSteps(key, state[1], state[2] and 2 or 1) then
    isLeft = true
  else
    redis.call('ZADD', shared .. 'epochs', '+inf', item)
  end
end
if not walking then
  local steps = redis.call('HGETALL', shared .. 'everyone')
  for i = 1, #steps, 2 do
    if tonumber(steps[i]) ~= everyone and tonumber(cells(steps[i + 1])[1]) <= tonumber(oldest) then
      redis.call('HDEL', shared .. 'everyone', steps[i])
    end
  end
end
-- What says that an import is under way is no number, and stays.
local written = redis.call('HGET', shared .. 'state', 'format') or 0
if tonumber(written) and tonumber(written) < ${format} then redis.call('HSET', shared .. 'state', 'format', ${format}) end
local buckets = redis.call('ZRANGE', shared .. 'attempts', '-inf', now, 'BYSCORE', 'LIMIT', 0, most)
for _, bucket in ipairs(buckets) do
  redis.call('DEL', shared .. 'b:' .. bucket)
  redis.call('ZREM', shared .. 'attempts', bucket)
end
return isLeft and most or math.max(#users, #buckets)
`,
});

/**
 * Puts sessions into every index where they belong: an index that somebody removed, or that was restored without the rest,
 * fills again as the sweep comes by. ARGV: now, then ids.
 */
export const mend: Script = writingWhenFull({
  name: 'mend',
  uses: ['indexes', 'endOf', 'attempt'],
  body: `
for i = 2, #ARGV do
  local id = ARGV[i]
  local home = homeOf(id)
  local text = redis.call('GET', home .. 's:' .. id)
  local row = text and sessionOf(text)
  for _, alias in ipairs(text and aliasesOf(text) or {}) do redis.call('SET', shared .. 'alias:' .. alias, id, 'NX') end
  if row and row[${cell.endAt}] == '' then
    attempt(place, home, id, row)
    redis.call('ZADD', shared .. 'live', 0, id)
    redis.call('ZADD', shared .. 'deadlines', 'NX', deadlineOf(row), id)
    for _, tag in ipairs(tagsOf(row)) do redis.call('ZADD', shared .. 'l:' .. tag, 0, id) end
  elseif row then
    redis.pcall('ZADD', home .. 'x:' .. row[${cell.userId}], 0, id)
    -- One whose entry in the log the sweep has not come to yet is moved then.
    if tonumber(row[${cell.endSequence}]) <= tonumber(redis.call('HGET', shared .. 'state', 'buried') or 0) then
      redis.call('ZADD', shared .. 'past', 0, id)
      redis.call('ZADD', shared .. 'graves', 'NX', ARGV[1], id)
      for _, tag in ipairs(tagsOf(row)) do redis.call('ZADD', shared .. 'p:' .. tag, 0, id) end
    end
  end
end
`,
});

/**
 * Takes ids out of sorted sets when there is no such session any more. ARGV: user (may be empty), how many keys, the keys,
 * then the ids.
 */
export const dropDead: Script = writingWhenFull({
  name: 'dropDead',
  uses: ['epochs'],
  body: `
local userId, count = ARGV[1], tonumber(ARGV[2])
local keys = { unpack(ARGV, 3, count + 2) }
if userId ~= '' then
  local everyone, user = present(home, userId)
  local stamp = everyone .. '.' .. user .. ':' .. userId
  keys = { home .. 'x:' .. userId, home .. 'u:' .. stamp, home .. 'v:' .. stamp }
end
for i = count + 3, #ARGV do
  if redis.call('EXISTS', homeOf(ARGV[i]) .. 's:' .. ARGV[i]) == 0 then
    for _, key in ipairs(keys) do redis.call('ZREM', key, ARGV[i]) end
  end
end
`,
});
