import { eventsPerBlock } from '../../event-times.ts';
import { cell, format } from '../codec.ts';
import { type Script, writingWhenFull } from './script.ts';
import { snapshot } from './sessions.ts';

/*
 * What a sweep finds, and what it writes apart from ends, in small pieces. What is still to be done is kept in Redis: any
 * number of nodes may sweep at once. They run when Redis is full too, for they make room.
 */

/** How many steps of one user's epoch are forgotten at once. */
const stepsOfPiece = 100;

/** Milliseconds until a session is looked at again that could not be dealt with. */
const lookAgain = 60_000;

/** How many steps of users' epochs one script looks behind. */
const stepsOfScan = 50;

const candidates = `
-- A session as the sweep gets it: its id, its snapshot, and the slot of its name; or why it cannot be read, when a key of
-- its user is not what it should be: the others go on.
local function candidate(home, id, text)
  local name = sessionOf(text)[${cell.name}]
  return { id, snapshotOf(home, text), name ~= '' and redis.call('GET', shared .. 'slot:' .. name) }
end

local function rowOf(home, id)
  local text = redis.call('GET', home .. 's:' .. id)
  if not text then return end
  return sessionOf(text), text
end
`;

/**
 * Places those in the lists that were created since the last time, as their events tell. ARGV: `1` if the sessions are
 * elsewhere, how many events.
 */
export const placeCreated: Script = writingWhenFull({
  name: 'placeCreated',
  uses: ['indexes', 'deadline', 'latest', 'attempt'],
  body: `
local placed = redis.call('HGET', shared .. 'state', 'placed') or 0
local entries = redis.call('XRANGE', shared .. 'events', '(0-' .. placed, '+', 'COUNT', ARGV[2])
local function list(told)
  local id = told[5]
  local text = told[1] == 'session.created' and redis.call('GET', homeOf(id) .. 's:' .. id)
  local row = text and sessionOf(text)
  -- One whose end is written down stays among the living until the sweep comes to that, unless it has come to it already.
  if row and (row[${cell.endAt}] == '' or not redis.call('ZSCORE', shared .. 'graves', id)) then
    redis.call('ZADD', shared .. 'live', 0, id)
    redis.call('ZADD', shared .. 'deadlines', deadlineOf(row), id)
    for _, tag in ipairs(tagsOf(row)) do redis.call('ZADD', shared .. 'l:' .. tag, 0, id) end
  end
end
for _, entry in ipairs(ARGV[1] == '1' and {} or entries) do
  local told = cells(entry[2][2])
  attempt(list, told)
  if told[1] == 'session.created' then redis.call('ZREM', shared .. 'fresh', told[5]) end
end
-- Nothing is left; what still stands there was placed by a server of an earlier version.
if #entries < tonumber(ARGV[2]) then redis.call('UNLINK', shared .. 'fresh') end
noteTime(latestOf(entries, 2, redis.call('HGET', shared .. 'state', 'mendedEvents')))
if #entries > 0 then redis.call('HSET', shared .. 'state', 'placed', string.match(entries[#entries][1], '%d+$')) end
return #entries
`,
});

/**
 * Sessions whose deadline has passed and whose end is not written down. One that was used meanwhile gets its later place,
 * and one that has ended goes to the past. ARGV: now, how many. Answers how many it has looked at, then the candidates.
 */
export const scanDue: Script = writingWhenFull({
  name: 'scanDue',
  uses: ['epochs', 'deadline', 'bury', 'attempt'],
  body: `${snapshot}${candidates}
local now = ARGV[1]
local due = redis.call('ZRANGE', shared .. 'deadlines', '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[2])
local found = { #due }
local function look(id)
  local home = homeOf(id)
  local row, text = rowOf(home, id)
  if not row then
    redis.call('ZREM', shared .. 'deadlines', id)
    redis.call('ZREM', shared .. 'live', id)
  elseif row[${cell.endAt}] ~= '' then
    -- It was written down when its entry was.
    local entry = redis.call('XRANGE', shared .. 'log', '0-' .. row[${cell.endSequence}], '0-' .. row[${cell.endSequence}])[1]
    bury(id, row, entry and cells(entry[2][2])[1] or now)
  elseif deadlineOf(row) > tonumber(now) then
    redis.call('ZADD', shared .. 'deadlines', deadlineOf(row), id)
  else
    return candidate(home, id, text)
  end
  return {}
end
for _, id in ipairs(due) do
  local one = attempt(look, id)
  if one[1] == 'damaged' then
    redis.call('ZADD', shared .. 'deadlines', now + ${lookAgain}, id)
  elseif one[1] then
    found[#found + 1] = one
  end
end
return found
`,
});

/** Sessions whose end could not be written down come up again later. ARGV: now, then ids. */
export const putOff: Script = writingWhenFull({
  name: 'putOff',
  body: `
for i = 2, #ARGV do redis.call('ZADD', shared .. 'deadlines', 'XX', ARGV[1] + ${lookAgain}, ARGV[i]) end
`,
});

/**
 * Sessions that steps of users' epochs have left behind; the oldest steps first. Whatever is no session of its place goes
 * from there, and a live one that should stand elsewhere is put there. ARGV: how many. Answers 1 if there may be more, then
 * for each step: its item, and the candidates.
 */
export const scanLeft: Script = writingWhenFull({
  name: 'scanLeft',
  uses: ['epochs', 'indexes', 'attempt'],
  body: `${snapshot}${candidates}
local rest = tonumber(ARGV[1])
local items = redis.call('ZRANGE', shared .. 'left', 0, ${stepsOfScan - 1})
local found = { #items == ${stepsOfScan} and 1 or 0 }
local function scan(home, stamped, step)
  local key = home .. 'u:' .. stamped
  local ids = redis.call('ZRANGE', key, 0, rest - 1)
  rest = rest - #ids
  for _, id in ipairs(ids) do
    local row, text = rowOf(home, id)
    if row and row[${cell.endAt}] == '' and stamp(row) == stamped then
      step[#step + 1] = candidate(home, id, text)
    else
      redis.call('ZREM', key, id)
      if row and row[${cell.endAt}] == '' then place(home, id, row) end
    end
  end
  return step
end
for _, item in ipairs(items) do
  if rest <= 0 then break end
  local where = cells(item)
  local step = attempt(scan, where[1], where[2], { item })
  -- Others come first when somebody has written something else into a key of this user: entries are numbered below any time.
  if step[1] == 'damaged' then
    redis.call('ZADD', shared .. 'left', 'XX', redis.call('TIME')[1] * 1000, item)
  else
    found[#found + 1] = step
  end
end
if rest <= 0 then found[1] = 1 end
return found
`,
});

/** ARGV: for each step its item, and `1` if a key of its user is damaged. A step that leaves nobody behind is done. */
export const settleLeft: Script = writingWhenFull({
  name: 'settleLeft',
  uses: ['rows', 'aging', 'attempt'],
  body: `
local function settle(item)
  local where = cells(item)
  local home, userId = where[1], where[3]
  if redis.call('ZCARD', home .. 'u:' .. where[2]) > 0 or redis.call('ZREM', shared .. 'left', item) == 0 then return {} end
  if redis.call('HINCRBY', home .. 'e:' .. userId, 'left', -1) == 0 then age(home, userId) end
  return {}
end
for i = 1, #ARGV, 2 do
  if ARGV[i + 1] == '1' or attempt(settle, ARGV[i])[1] == 'damaged' then
    redis.call('ZADD', shared .. 'left', 'XX', redis.call('TIME')[1] * 1000, ARGV[i])
  end
end
`,
});

/**
 * Sessions that a step of everyone's epoch has passed: a walk over the living from where the last piece stopped, once all
 * of them are there. ARGV: how many. Answers nothing if there is no such walk; otherwise from where and under which epoch
 * it goes, where it comes to (empty: to the end), and the candidates.
 */
export const scanLive: Script = writingWhenFull({
  name: 'scanLive',
  uses: ['epochs', 'attempt'],
  body: `${snapshot}${candidates}
local state = redis.call('HMGET', shared .. 'state', 'walk', 'everyone', 'walkEvents', 'placed')
local walked = state[1]
if not walked or tonumber(state[4] or 0) < tonumber(state[3]) then return {} end
local from = walked == '' and '-' or '(' .. walked
local ids = redis.call('ZRANGE', shared .. 'live', from, '+', 'BYLEX', 'LIMIT', 0, ARGV[1])
local found = { walked, state[2], #ids == tonumber(ARGV[1]) and ids[#ids] or '' }
local function look(id)
  local home = homeOf(id)
  local text = redis.call('GET', home .. 's:' .. id)
  if text then return candidate(home, id, text) end
  redis.call('ZREM', shared .. 'live', id)
  return {}
end
for _, id in ipairs(ids) do
  local one = attempt(look, id)
  -- Others among them were created later.
  if one[1] ~= 'damaged' and type(one[2]) == 'table' then found[#found + 1] = one end
end
return found
`,
});

/** ARGV: as scanLive has answered. Another node may have come further, or everyone's epoch may have moved again. */
export const settleLive: Script = writingWhenFull({
  name: 'settleLive',
  body: `
local state = redis.call('HMGET', shared .. 'state', 'walk', 'everyone')
if state[1] ~= ARGV[1] or state[2] ~= ARGV[2] then return end
if ARGV[3] == '' then
  redis.call('HDEL', shared .. 'state', 'walk', 'walkFrom', 'walkEvents')
else
  redis.call('HSET', shared .. 'state', 'walk', ARGV[3])
end
`,
});

/**
 * Moves those to the past whose end the log tells of since the last time. ARGV: `1` if the sessions are elsewhere, how
 * many entries.
 */
export const buryEnded: Script = writingWhenFull({
  name: 'buryEnded',
  uses: ['bury', 'latest', 'attempt'],
  body: `
local buried = redis.call('HGET', shared .. 'state', 'buried') or 0
local entries = redis.call('XRANGE', shared .. 'log', '(0-' .. buried, '+', 'COUNT', ARGV[2])
local function follow(entry)
  local at, kind, id = unpack(cells(entry[2][2]))
  local text = kind == 's' and redis.call('GET', homeOf(id) .. 's:' .. id)
  local row = text and sessionOf(text)
  -- Earlier entries of a session tell of something else.
  if row and row[${cell.endSequence}] == string.match(entry[1], '%d+$') then bury(id, row, at) end
end
for _, entry in ipairs(ARGV[1] == '1' and {} or entries) do attempt(follow, entry) end
noteTime(latestOf(entries, 1, redis.call('HGET', shared .. 'state', 'mendedLog')))
if #entries > 0 then redis.call('HSET', shared .. 'state', 'buried', string.match(entries[#entries][1], '%d+$')) end
return #entries
`,
});

/**
 * Forgets ended sessions whose end was written down at a moment or before. ARGV: the moment, `1` if aliases are kept
 * elsewhere (then it lists those that are free), how many.
 */
export const forgetEnded: Script = writingWhenFull({
  name: 'forgetEnded',
  uses: ['indexes', 'aging', 'attempt'],
  body: `
local old = redis.call('ZRANGE', shared .. 'graves', '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[3])
local function forget(id)
  local home = homeOf(id)
  local text = redis.call('GET', home .. 's:' .. id)
  if text then
    local row = sessionOf(text)
    for _, alias in ipairs(aliasesOf(text)) do
      local key = 'alias:' .. alias
      if ARGV[2] == '1' then redis.call('ZADD', shared .. 'freed', 0, key .. '\\31' .. id)
      elseif redis.call('GET', shared .. key) == id then redis.call('DEL', shared .. key) end
    end
    for _, tag in ipairs(tagsOf(row)) do redis.call('ZREM', shared .. 'p:' .. tag, id) end
    local ended = home .. 'x:' .. row[${cell.userId}]
    redis.pcall('ZREM', ended, id)
    redis.call('DEL', home .. 's:' .. id)
    if redis.pcall('ZCARD', ended) == 0 then age(home, row[${cell.userId}]) end
  end
end
for _, id in ipairs(old) do
  attempt(forget, id)
  redis.call('ZREM', shared .. 'past', id)
  redis.call('ZREM', shared .. 'graves', id)
end
return #old
`,
});

/**
 * Cuts the old ends off the log and the events; their numbering goes on. What the sweep still has to follow is kept for
 * that. Of the log the newest that is old stays: whoever has read it finds it there, and knows that what follows it
 * follows. ARGV: the moments up to which entries and events go, the number of the last event that may go, how many.
 * Answers how many went.
 */
export const trimStreams: Script = writingWhenFull({
  name: 'trimStreams',
  uses: ['rows'],
  body: `
local function trim(stream, place, oldest, followed, kept)
  local old = {}
  for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+', 'COUNT', ARGV[4] + kept)) do
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
  trim(shared .. 'events', 2, ARGV[2], math.min(tonumber(state[2] or 0), tonumber(ARGV[3])), 0)
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
 * fills again as the sweep comes by. ARGV: now, `1` if aliases are kept elsewhere, then ids.
 */
export const mend: Script = writingWhenFull({
  name: 'mend',
  uses: ['indexes', 'deadline', 'attempt'],
  body: `
local function mend(id)
  local home = homeOf(id)
  local text = redis.call('GET', home .. 's:' .. id)
  local row = text and sessionOf(text)
  for _, alias in ipairs(text and ARGV[2] ~= '1' and aliasesOf(text) or {}) do
    redis.call('SET', shared .. 'alias:' .. alias, id, 'NX')
  end
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
for i = 3, #ARGV do attempt(mend, ARGV[i]) end
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
