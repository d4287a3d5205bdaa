import { reading, readingAlways, type Script, writing, writingWhenFull } from './script.ts';

/** ARGV: from, to (ids of the stream, from the higher one when it goes downwards), `1` for downwards, limit. */
export const readEvents: Script = reading({
  name: 'readEvents',
  body: `return redis.call(ARGV[3] == '1' and 'XREVRANGE' or 'XRANGE', shared .. 'events', ARGV[1], ARGV[2], 'COUNT', ARGV[4])`,
});

/** ARGV: the first block and the last one. Answers, for each that is known, its number, earliest and latest time. */
export const readTimes: Script = reading({
  name: 'readTimes',
  body: `return redis.call('ZRANGE', shared .. 'times', ARGV[1], ARGV[2], 'BYSCORE')`,
});

/** ARGV: from, limit. */
export const readLog: Script = reading({
  name: 'readLog',
  body: `return redis.call('XRANGE', shared .. 'log', '0-' .. ARGV[1], '+', 'COUNT', ARGV[2])`,
});

/** Answers the newest entry's number and mark, the incarnation, and the time. */
export const logHead: Script = reading({ name: 'logHead', uses: ['position'], body: `return present()` });

/**
 * ARGV: id, counter, applied, the tail's sequence and mark. Answers as `logHead` does. The row is written and the head
 * read in one step: whatever comes later is behind the head. Written also when Redis is full: it replaces its like, and without it no cache could trust itself.
 */
export const renewNode: Script = writingWhenFull({
  name: 'renewNode',
  uses: ['position'],
  body: String.raw`
redis.call('HSET', shared .. 'nodes', ARGV[1], table.concat(ARGV, '\31', 2))
local _, place, moves = incarnation()
if place and redis.call('HGET', shared .. 'state', 'place') ~= place then
  redis.call('HSET', shared .. 'state', 'place', place, 'moves', moves)
end
return present()
`,
});

/**
 * ARGV: a position. Answers each node's id, row, and whether the log has its tail; whether it has that position; the
 * incarnation, and which one was confirmed last.
 */
export const listNodes: Script = reading({
  name: 'listNodes',
  uses: ['position'],
  body: String.raw`
local rows, nodes = redis.call('HGETALL', shared .. 'nodes'), {}
for i = 1, #rows, 2 do
  local sequence, mark = string.match(rows[i + 1], '^%d+\31%d+\31(%d+)\31(.*)$')
  nodes[#nodes + 1] = { rows[i], rows[i + 1], markAt(sequence or 0) == (mark or '') and 1 or 0 }
end
return { nodes, markAt(ARGV[1]) == ARGV[2] and 1 or 0, incarnation(), redis.call('HGET', shared .. 'state', 'confirmed') or '' }
`,
});

/** ARGV: the incarnation. */
export const confirmIncarnation: Script = writingWhenFull({
  name: 'confirmIncarnation',
  uses: ['incarnation'],
  body: `if incarnation() == ARGV[1] then redis.call('HSET', shared .. 'state', 'confirmed', ARGV[1]) end`,
});

/** ARGV: id, counter or nothing. Only the row that was judged: one that was renewed since stays. */
export const removeNode: Script = writingWhenFull({
  name: 'removeNode',
  body: `local row = redis.call('HGET', shared .. 'nodes', ARGV[1])
if row and (ARGV[2] == '' or string.sub(row, 1, #ARGV[2] + 1) == ARGV[2] .. '\\31') then
  redis.call('HDEL', shared .. 'nodes', ARGV[1])
end`,
});

/**
 * ARGV: bucket, most, window, now. Answers whether one more was allowed, how many are left, when the window ends, how many
 * are open, and when the last one was taken. The sweep empties what has run out. A server that does not note yet which have
 * failed leaves no time of the last one either.
 */
export const takeAttempt: Script = writing({
  name: 'takeAttempt',
  body: `
local key, most, now = shared .. 'b:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[4])
local kept = redis.call('HMGET', key, 'taken', 'resetAt', 'failed', 'latest')
local taken, resetAt = tonumber(kept[1] or 0), tonumber(kept[2] or 0)
local failed, latest = tonumber(kept[3] or 0), tonumber(kept[4] or 0)
if resetAt <= now then taken, failed, resetAt = 0, 0, now + tonumber(ARGV[3]) end
local allowed = taken < most
if allowed then
  taken, latest = taken + 1, now
  redis.call('HSET', key, 'taken', taken, 'resetAt', resetAt, 'failed', failed, 'latest', latest)
  redis.call('ZADD', shared .. 'attempts', resetAt, ARGV[1])
end
return { allowed and 1 or 0, most - taken, resetAt, taken - failed, latest }
`,
});

/** ARGV: bucket. */
export const failAttempt: Script = writingWhenFull({
  name: 'failAttempt',
  body: `
local key = shared .. 'b:' .. ARGV[1]
local kept = redis.call('HMGET', key, 'taken', 'failed')
if tonumber(kept[2] or 0) < tonumber(kept[1] or 0) then redis.call('HINCRBY', key, 'failed', 1) end
`,
});

/** ARGV: bucket. */
export const clearAttempts: Script = writingWhenFull({
  name: 'clearAttempts',
  body: `
redis.call('DEL', shared .. 'b:' .. ARGV[1])
redis.call('ZREM', shared .. 'attempts', ARGV[1])
`,
});

/** What the secret key is known by; nothing where that is not kept. */
export const keyFingerprint: Script = reading({
  name: 'keyFingerprint',
  body: `return redis.call('HGET', shared .. 'state', 'secretKey')`,
});

/** ARGV: the fingerprint, and the one that it may take the place of, or nothing. Answers the one that is kept then. */
export const keepKeyFingerprint: Script = writing({
  name: 'keepKeyFingerprint',
  body: `
local kept = redis.call('HGET', shared .. 'state', 'secretKey')
if kept and kept ~= ARGV[2] then return kept end
redis.call('HSET', shared .. 'state', 'secretKey', ARGV[1])
return ARGV[1]
`,
});

/**
 * A part of the latest time of any change. ARGV: the event and the entry of the log after which it reads, how many of each.
 * Answers the time, up to where it has read, and 1 if there may be more.
 */
export const latestTime: Script = reading({
  name: 'latestTime',
  uses: ['latest'],
  body: `
local time, event, entry, more = latestTime(ARGV[1], ARGV[2], ARGV[3])
return { time, event, entry, more and 1 or 0 }
`,
});

/**
 * ARGV: now, the latest end of a window, the latest time up to an event and an entry of the log, these two, and how many
 * may have come since. The latest moment becomes `now`, and what stands in the streams up to here counts
 * for it no more. Answers how many attempts were forgotten: there may be more.
 */
export const mendTime: Script = writingWhenFull({
  name: 'mendTime',
  uses: ['latest'],
  body: `
redis.call('HSET', shared .. 'state', 'time', math.min(math.max(ARGV[3], (latestTime(ARGV[4], ARGV[5], ARGV[6]))), ARGV[1]))
for stream, field in pairs({ events = 'mendedEvents', log = 'mendedLog' }) do
  local newest = redis.call('XREVRANGE', shared .. stream, '+', '-', 'COUNT', 1)[1]
  if newest then redis.call('HSET', shared .. 'state', field, newest[1]) end
end
local buckets = redis.call('ZRANGE', shared .. 'attempts', '(' .. ARGV[2], '+inf', 'BYSCORE', 'LIMIT', 0, 1000)
for _, bucket in ipairs(buckets) do
  redis.call('DEL', shared .. 'b:' .. bucket)
  redis.call('ZREM', shared .. 'attempts', bucket)
end
return #buckets
`,
});

/** Answers the format that the sweep has written down; nothing where it has not come by yet. */
export const readFormat: Script = readingAlways({
  name: 'readFormat',
  body: `return redis.call('HGET', shared .. 'state', 'format')`,
});

/** 1 if somebody has used the store. Its format is written only by its first sweep. */
export const isUsed: Script = reading({
  name: 'isUsed',
  body: `return redis.call('EXISTS', shared .. 'state')`,
});

/** A log that was forgotten whole, as format 2 did, gets an entry again: it touches everything, and is what others follow. */
export const completeLog: Script = writingWhenFull({
  name: 'completeLog',
  uses: ['head', 'log'],
  body: `
if head() > 0 and redis.call('XLEN', shared .. 'log') == 0 then log('a', '', redis.call('TIME')[1] * 1000) end
`,
});

/** Answers the numbers of the newest entry of the log and of the newest event. */
export const counters: Script = reading({
  name: 'counters',
  uses: ['head'],
  body: `return { head(), newest(shared .. 'events') }`,
});

/** Answers how many sessions are live, and ended, and the log's head. */
export const counts: Script = reading({
  name: 'counts',
  uses: ['head'],
  body: `
return {
  redis.call('ZCARD', shared .. 'live'),
  redis.call('ZCARD', shared .. 'past'),
  head(),
}
`,
});

/** Changes nothing, but Redis runs it only if it accepts every kind of write. */
export const tryWriting: Script = writing({ name: 'tryWriting', body: `redis.call('DEL', shared .. 'nothing')` });

/** A write that comes after others and means nothing itself. Written also when Redis is full, as some of those are. */
export const comeAfter: Script = writingWhenFull({
  name: 'comeAfter',
  body: `redis.call('INCR', shared .. 'synced')`,
});

/**
 * Answers which of the given commands the user may not call on the store's keys; one that Redis does not know is none.
 * Redis looks for the keys among the arguments without counting these, and crashes if those that say where the keys are
 * are missing.
 */
export const lackedRights: Script = readingAlways({
  name: 'lackedRights',
  body: `
local key = shared .. 'nothing'
local forms = {
  EVAL = { '', '1', key },
  EVALSHA = { '', '1', key },
  MSET = { key, '' },
  XINFO = { 'STREAM', key },
  XREAD = { 'STREAMS', key, '$' },
}
local lacked = {}
for _, command in ipairs(ARGV) do
  local isKnown, allowed = pcall(redis.acl_check_cmd, command, unpack(forms[command] or { key }))
  if isKnown and not allowed then lacked[#lacked + 1] = command end
end
return lacked
`,
});
