import { reading, readingEach, type Script, writing, writingWhenFull } from '../redis/scripts/script.ts';
import { snapshot } from '../redis/scripts/sessions.ts';

/** What stands under the key of an ending before its change is committed. */
export const unwritten = '?';

/*
 * What a store that is spread over a Cluster has besides the stores that it is made of. In the home, after its prefix:
 *   groups        how many groups there are
 *   taken         hash: of each group how far its log (with the mark there) and its events have been taken over; `base`:
 *                 up to which number both logs have the same, because it was imported
 *   seen          hash: of each group the incarnation that was seen last
 *   q:<group>     sorted set: the numbers in the home's log of the group's entries, by their numbers in the group's log
 *   ending:<id>   what is still to be done after a change; endings: sorted set of these keys
 * In a group, after the prefix of a user's keys:
 *   no:<id>       a session with this id will never be created
 * And after the prefix of the group:
 *   did:<key>     a change that is completed by several servers was made here
 *   freed         sorted set: keys of aliases, and the ids of their sessions, which the group has forgotten
 */

/**
 * Makes sure that a session that does not exist is never created. Answers its snapshot if it exists. ARGV: id,
 * milliseconds.
 */
export const forbid: Script = writing({
  name: 'forbid',
  uses: ['epochs'],
  body: `${snapshot}
local found = snapshot(homeOf(ARGV[1]), ARGV[1])
if not found then redis.call('SET', homeOf(ARGV[1]) .. 'no:' .. ARGV[1], '', 'PX', ARGV[2]) end
return found
`,
});

/** Of each user of a group: the present epochs (everyone's, the user's). */
export const readEpochs: Script = readingEach({
  name: 'readEpochs',
  uses: ['epochs'],
  names: ['userId'],
  body: 'return { present(home, userId) }\n',
});

/**
 * What has come since. ARGV: the number of an entry of the log, and what it says (empty: not known); the number of an
 * event; how many. Both are read too. Answers the entries, the events, and the newest one of each stream that may have
 * another history than before: one that is too short for the number, or whose entry says something else.
 */
export const readNews: Script = reading({
  name: 'readNews',
  body: `
local function since(stream, number, row)
  local found = redis.call('XRANGE', shared .. stream, '0-' .. number, '+', 'COUNT', ARGV[4] + 1)
  local first = found[1]
  if first and first[1] == '0-' .. number and (row == '' or first[2][2] == row) then return found, false end
  return found, redis.call('XREVRANGE', shared .. stream, '+', '-', 'COUNT', 1)[1] or false
end
local entries, newestEntry = since('log', ARGV[1], ARGV[2])
local events, newestEvent = since('events', ARGV[3], '')
return { entries, events, newestEntry, newestEvent }
`,
});

/**
 * Takes over what a group has told. ARGV: group; how far its log and events were taken over, as the caller knows; how far
 * they are then, with the mark of the log's; `1` if it is another log; how often it has been; how many entries, then the number and the row of each; then the rows of events. Answers
 * 1 and the number of the first entry; or 0, because another server was faster.
 */
export const take: Script = writingWhenFull({
  name: 'take',
  body: String.raw`
local group, entries = ARGV[1], tonumber(ARGV[9])
local log, event, times = unpack(redis.call('HMGET', shared .. 'taken', group .. 'l', group .. 'e', group .. 'g'))
if (log or '0') ~= ARGV[2] or (event or '0') ~= ARGV[3] or (times or '0') ~= ARGV[8] then return { 0 } end
local first
-- The group's log is another one: its numbers name other entries.
if ARGV[7] == '1' then
  redis.call('DEL', shared .. 'q:' .. group)
  redis.call('HINCRBY', shared .. 'taken', group .. 'g', 1)
end
local moment = entries > 0 and table.concat(redis.call('TIME'), '.')
for i = 10, 8 + 2 * entries, 2 do
  local row = ARGV[i + 1] .. '\31' .. group .. '\31' .. moment
  local number = string.match(redis.call('XADD', shared .. 'log', '0-*', 'e', row), '%d+$')
  first = first or number
  redis.call('ZADD', shared .. 'q:' .. group, ARGV[i], number)
end
for i = 10 + 2 * entries, #ARGV do redis.call('XADD', shared .. 'events', '0-*', 'e', ARGV[i]) end
redis.call('HSET', shared .. 'taken', group .. 'l', ARGV[4], group .. 'm', ARGV[5], group .. 'e', ARGV[6])
return { 1, first or 0 }
`,
});

/**
 * ARGV: group. Answers how far its log, with the mark, and its events have been taken over; up to which number both logs have
 * the same; and how often it was another log.
 */
export const readTaken: Script = reading({
  name: 'readTaken',
  body: `
local group = ARGV[1]
return redis.call('HMGET', shared .. 'taken', group .. 'l', group .. 'm', group .. 'e', 'base', group .. 'g')
`,
});

/**
 * ARGV: group, the number of an entry of its log. Answers the number of that entry in the home's log, if it has one, and
 * that of the first one from it on.
 */
export const numberInHome: Script = reading({
  name: 'numberInHome',
  body: `
local key = shared .. 'q:' .. ARGV[1]
local found = redis.call('ZRANGE', key, ARGV[2], '+inf', 'BYSCORE', 'LIMIT', 0, 1)[1]
return { found and tonumber(redis.call('ZSCORE', key, found)) == tonumber(ARGV[2]) and found, found }
`,
});

/** Forgets the numbers of entries that the log has no more. ARGV: how many groups. */
export const forgetNumbers: Script = writingWhenFull({
  name: 'forgetNumbers',
  body: `
local oldest = redis.call('XRANGE', shared .. 'log', '-', '+', 'COUNT', 1)[1]
local first = oldest and tonumber(string.match(oldest[1], '%d+$')) or 0
for group = 0, ARGV[1] - 1 do
  for _ = 1, 1000 do
    local number = redis.call('ZRANGE', shared .. 'q:' .. group, 0, 0)[1]
    if not number or tonumber(number) >= first then break end
    redis.call('ZREM', shared .. 'q:' .. group, number)
  end
end
`,
});

/** ARGV: the id of a session, for how many milliseconds its aliases are kept, then their keys. Answers one that another session has, and which. */
export const reserveAliases: Script = writing({
  name: 'reserveAliases',
  body: `
for i = 3, #ARGV do
  local held = redis.call('GET', shared .. ARGV[i])
  if held and held ~= ARGV[1] then return { ARGV[i], held } end
end
for i = 3, #ARGV do redis.call('SET', shared .. ARGV[i], ARGV[1], 'PX', ARGV[2]) end
return {}
`,
});

/** ARGV: the id of a session that does not exist, then keys of aliases, which are free again if they lead to it. */
export const freeAliases: Script = writingWhenFull({
  name: 'freeAliases',
  body: `
for i = 2, #ARGV do
  if redis.call('GET', shared .. ARGV[i]) == ARGV[1] then redis.call('DEL', shared .. ARGV[i]) end
end
`,
});

/**
 * Everyone's sessions have ended in a group, as an entry of its log says. ARGV: group, the number of that entry, the time.
 * Answers the number of an entry in the home's log that says so; one is written if that is still to be done.
 */
export const numberOfEveryone: Script = writingWhenFull({
  name: 'numberOfEveryone',
  uses: ['log'],
  body: `
local key = shared .. 'q:' .. ARGV[1]
local there = redis.call('ZRANGE', key, ARGV[2], ARGV[2], 'BYSCORE')[1]
if there then return there end
-- It was told long ago, and is forgotten.
if redis.call('ZCARD', shared .. 'endings') == 0 then return false end
local number = log('a', '', ARGV[3])
redis.call('ZADD', key, ARGV[2], number)
return number
`,
});

/** The same for all groups, once the entry is written. ARGV: its number, then for each group the number of its own entry. */
export const everyoneEnded: Script = writingWhenFull({
  name: 'everyoneEnded',
  body: `
for i = 2, #ARGV do
  local key = shared .. 'q:' .. i - 2
  if ARGV[i] ~= '0' and #redis.call('ZRANGE', key, ARGV[i], ARGV[i], 'BYSCORE') == 0 then redis.call('ZADD', key, ARGV[i], ARGV[1]) end
end
`,
});

/** The kind and the time of an entry of a group's log. ARGV: its number. */
export const readEntry: Script = reading({
  name: 'readEntry',
  body: `
local entry = redis.call('XRANGE', shared .. 'log', '0-' .. ARGV[1], '0-' .. ARGV[1])[1]
return entry and entry[2][2]
`,
});

/** Aliases of sessions that a group has forgotten. ARGV: how many. Answers the key of each and the id of its session. */
export const readFreed: Script = reading({
  name: 'readFreed',
  body: `return redis.call('ZRANGE', shared .. 'freed', 0, ARGV[1] - 1)`,
});

/** They are free. ARGV: as readFreed has answered. */
export const forgetFreed: Script = writingWhenFull({
  name: 'forgetFreed',
  body: `redis.call('ZREM', shared .. 'freed', unpack(ARGV))`,
});

/** Milliseconds, by the clock of Redis: those of the servers may differ. */
const now = `local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** What is still to be done and was begun so long ago. ARGV: milliseconds. Answers the key of each, and what stands there. */
export const readEndings: Script = reading({
  name: 'readEndings',
  body: `
${now}local found = {}
for _, key in ipairs(redis.call('ZRANGE', shared .. 'endings', '-inf', now - ARGV[1], 'BYSCORE')) do
  found[#found + 1] = { key, redis.call('GET', shared .. key) }
end
return found
`,
});

/** ARGV: the key of what was done, or was never written. Then it cannot be written any more. */
export const endingDone: Script = writingWhenFull({
  name: 'endingDone',
  body: `
if redis.call('GET', shared .. ARGV[1]) == '${unwritten}' then redis.call('DEL', shared .. ARGV[1]) end
if redis.call('EXISTS', shared .. ARGV[1]) == 0 then redis.call('ZREM', shared .. 'endings', ARGV[1]) end
`,
});

/** ARGV: the key of what is to be done, unless it is written already. Comes before it is written, so that it is found. */
export const endingBegins: Script = writing({
  name: 'endingBegins',
  body: `
${now}redis.call('ZADD', shared .. 'endings', now, ARGV[1])
redis.call('SET', shared .. ARGV[1], '${unwritten}', 'NX')
`,
});

/** ARGV: how many groups, or nothing. Answers how many there are; 0 if the store is in one slot. */
export const keepGroups: Script = writingWhenFull({
  name: 'keepGroups',
  body: `
if ARGV[1] ~= '' and redis.call('EXISTS', shared .. 'state') == 0 then redis.call('SET', shared .. 'groups', ARGV[1], 'NX') end
return tonumber(redis.call('GET', shared .. 'groups') or 0)
`,
});

/** After an import, whose log the groups have none of. ARGV: how many groups, the numbers of the newest entry and event. */
export const keepTaken: Script = writing({
  name: 'keepTaken',
  body: `
redis.call('HSET', shared .. 'taken', 'base', ARGV[2])
for group = 0, ARGV[1] - 1 do
  redis.call('HSET', shared .. 'taken', group .. 'l', ARGV[2], group .. 'm', '', group .. 'e', ARGV[3])
end
`,
});

/** Answers the incarnation of a group, and notes where the group is, as `renewNode` does of the home. */
export const noteIncarnation: Script = writingWhenFull({
  name: 'noteIncarnation',
  uses: ['incarnation'],
  body: `
local here, place, moves = incarnation()
if place and redis.call('HGET', shared .. 'state', 'place') ~= place then
  redis.call('HSET', shared .. 'state', 'place', place, 'moves', moves)
end
return here
`,
});

/** Notes in the home which incarnation of a group was seen last. ARGV: the group, its incarnation. */
export const noteSeen: Script = writingWhenFull({
  name: 'noteSeen',
  body: `redis.call('HSET', shared .. 'seen', ARGV[1], ARGV[2])`,
});

/**
 * ARGV: a group; which incarnation of it the caller has seen earlier (empty: none), which counts if no other is noted.
 * Answers which one was seen last.
 */
export const lastSeen: Script = writingWhenFull({
  name: 'lastSeen',
  body: `
local noted = redis.call('HGET', shared .. 'seen', ARGV[1])
if noted or ARGV[2] == '' then return noted end
redis.call('HSET', shared .. 'seen', ARGV[1], ARGV[2])
return ARGV[2]
`,
});

/** ARGV: the incarnation of the home, and that of the whole store, which is confirmed if the home is still the same. */
export const confirmWhole: Script = writingWhenFull({
  name: 'confirmWhole',
  uses: ['incarnation'],
  body: `if incarnation() == ARGV[1] then redis.call('HSET', shared .. 'state', 'confirmed', ARGV[2]) end`,
});

/** Answers which incarnation was confirmed last. */
export const readConfirmed: Script = reading({
  name: 'readConfirmed',
  body: `return redis.call('HGET', shared .. 'state', 'confirmed')`,
});

/** ARGV: the key that says that something was done; for how many milliseconds a server may still try to do it. */
export const forgetDone: Script = writingWhenFull({
  name: 'forgetDone',
  body: `redis.call('SET', shared .. ARGV[1], '1', 'PX', ARGV[2])`,
});
