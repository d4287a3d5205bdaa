import { mostRevised } from '../../commit.ts';
import { cell, firstEpochStamp, slotCell } from '../codec.ts';
import { readingEach, type Script, withPieces, writing, writingWhenFull } from './script.ts';
import { snapshot } from './sessions.ts';

/** Of a session's row: its mark, its last activity, and all that follows. What is between is compared as it is. */
const parts = String.raw`'^([^\31]*)${String.raw`\31[^\31]*`.repeat(cell.lastSeenAt - 2)}\31(%d+)(\31.*)$'`;

/** How many values one command gets: Lua has room for 8,000. */
const piece = 1000;

/**
 * Identifies the set of a user's live sessions, as 12 digits of base 16. It is computed from the set itself, so servers
 * that know nothing of it may write there too.
 */
export const revision = `
local function revisionOf(ids)
  return string.sub(redis.sha1hex(table.concat(ids)), 1, 12)
end
`;

/**
 * A step of a user's epoch: none of the sessions is visited. Both answer how many active sessions it ends, and what writes
 * the step once the sequence of its entry is known.
 */
const steps = String.raw`
local function stepOfUser(home, markKey, key, userId, why, left)
  local mark = rows[markKey] or '${firstEpochStamp}'
  local number = tonumber(redis.call('HGET', key, 'n') or 0)
  local everyone, moves = string.match(mark, '^(%d+)%.(%d+)$')
  local place = everyone .. '.' .. number .. ':' .. userId
  local behind = redis.call('ZCARD', home .. 'u:' .. place)
  local ended = behind - redis.call('ZCARD', home .. 'v:' .. place) - left
  return ended, function(sequence)
    redis.call('HSET', key, 'n', number + 1, number + 1, why .. '\31' .. sequence)
    redis.call('ZADD', shared .. 'epochs', string.match(why, '^%d+'), home .. '\31' .. userId)
    -- What is left behind is written down session by session when the sweep comes by.
    if behind > 0 then
      redis.call('ZADD', shared .. 'left', sequence, home .. '\31' .. place .. '\31' .. userId)
      redis.call('HINCRBY', key, 'left', 1)
    end
    active = active - ended
    return { [markKey] = everyone .. '.' .. moves + 1 }
  end
end

local function stepOfEveryone(marks, why, left)
  local number = tonumber(redis.call('HGET', shared .. 'state', 'everyone') or 0)
  local ended = (redis.call('GET', shared .. 'active') or 0) + active - left
  return ended, function(sequence, told)
    redis.call('HSET', shared .. 'everyone', number + 1, why .. '\31' .. sequence)
    -- From which epoch on sessions may be left behind that are not written down yet, and up to which event they were
    -- created: the sweep follows when all of them are placed.
    if redis.call('HEXISTS', shared .. 'state', 'walk') == 0 then redis.call('HSET', shared .. 'state', 'walkFrom', number) end
    redis.call('HSET', shared .. 'state', 'everyone', number + 1, 'walk', '', 'walkEvents', told)
    active = active - ended
    local moved = {}
    for _, key in ipairs(marks) do
      moved[key] = number + 1 .. '.' .. string.match(rows[key] or '${firstEpochStamp}', '%d+$')
    end
    return moved
  end
end
`;

/**
 * The one program that writes what was decided elsewhere. It makes each change completely, or not at all if something that
 * it was decided on is not so any more, and knows no rule. A change sees what those before it in the same call have done.
 *
 * KEYS, after the two beginnings: first the strings, then all others, each in the order in which the changes name them.
 * ARGV: how many keys are strings; then for each change its head, which is these numbers, and then what they count:
 * - `changes`: sessions that are there. Each: what must follow its mark; what stands before the sequence of its end (empty
 *   if it is only depended on); the place of the entry with that sequence (nothing if it stands before), and what stands
 *   from there to the last activity; what follows that (empty for what is there).
 * - `makes`: sessions that must be absent. Each: what follows the mark.
 * - `plains`: other rows. Each: how it must begin (empty: it must be absent; `*`: whatever stands there), and the new one
 *   (empty: none; `=`: the same).
 * - `steps`: -1 for one of a user's epoch, or how many marks one of everyone's moves; 0 for none. Then: its time, actor and
 *   reason; how many active sessions stay; the two halves of its event; the user, and the prefix of the user's keys.
 * - `adds`, `drops`: members of sorted sets that come and go. Each: the member.
 * - `lists`: those that come into sets that belong to no user. Each: the score, and the member.
 * - `entries`, `events`: rows of the log, without the microsecond, and of the audit trail.
 * - `count`: by how much the number of active sessions changes.
 * - `everyone`, `user`: the epochs that must be present (`-` for any). `sure`: 1 if one of the changes shows them as long as
 *   its mark is the present one. `revision`: that of the user's sessions (`-` for any).
 *
 * Answers for each how many sessions its step ended, and the sequences of its entries; or `lost`, the
 * epochs of the user, and what stands under the keys of its rows; or `failed` and why, because a key is not what it should
 * be: the others go on.
 */
const program = {
  name: 'commit',
  body: String.raw`
local keys, args, call, match, sub = KEYS, ARGV, redis.call, string.match, string.sub
local strings = tonumber(args[1])
-- What stands under the strings, what this call will have written there, and what comes into which list.
local rows, written, listed = {}, {}, {}
for from = 3, strings + 2, ${piece} do
  for i, value in ipairs(call('MGET', unpack(keys, from, math.min(from + ${piece - 1}, strings + 2)))) do
    rows[keys[from + i - 1]] = value
  end
end
local active, moment = 0, nil
${revision}${steps}
-- The streams number themselves.
local function append(stream, row)
  return sub(call('XADD', shared .. stream, '0-*', 'e', row), 3)
end

-- All entries of one call are of one microsecond, and none of them is about what another one is about.
local function log(row)
  moment = moment or table.concat(call('TIME'), '.')
  return append('log', row .. '\31' .. moment)
end

local function put(key, row)
  rows[key], written[key] = row, row
end

-- The arguments, strings and other keys of the change follow a, t and o.
local function make(a, t, o, changes, makes, plains, steps, adds, drops, lists, entries, events, count, everyone, user, sure, revision)
  local mark, found, shown = nil, {}, false
  if everyone ~= '-' then
    t = t + 1
    mark = rows[keys[t]] or '${firstEpochStamp}'
    if match(mark, '^%d+') ~= everyone then return end
  end
  for i = 1, changes do
    local stands, row = args[a + 4 * i - 3], rows[keys[t + i]]
    local stamp, seen, rest = match(row or '', ${parts})
    if not stamp or sub(row, #stamp + 2, #stamp + 1 + #stands) ~= stands then return end
    shown = shown or stamp == mark
    found[i] = { stamp, seen, rest }
  end
  if mark then
    o = o + 1
    if not (shown and sure == '1') and (call('HGET', keys[o], 'n') or '0') ~= user then return end
    if revision ~= '-' then
      o = o + 1
      if call('ZCARD', keys[o]) > ${mostRevised} then return end
      if revisionOf(call('ZRANGE', keys[o], 0, ${mostRevised - 1})) ~= revision then return end
    end
  end
  local made, plain = t + changes, t + changes + makes
  for i = 1, makes do
    if rows[keys[made + i]] then return end
  end
  local at = a + 4 * changes + makes
  for i = 1, plains do
    local stands, row = args[at + 2 * i - 1], rows[keys[plain + i]]
    if stands == '' and row or stands ~= '' and stands ~= '*' and sub(row or '', 1, #stands) ~= stands then return end
  end
  at = at + 2 * plains
  -- All of it is so. What may fail comes first, because somebody has written something else there.
  local done, finish, told, telling = { 0 }, nil, nil, nil
  if steps ~= 0 then
    local why, left, userId, home
    why, left, told, telling, userId, home = unpack(args, at + 1, at + 6)
    at = at + 6
    if steps == -1 then
      o = o + 1
      done[1], finish = stepOfUser(shared .. home, keys[plain + plains + 1], keys[o], userId, why, left)
    else
      done[1], finish = stepOfEveryone({ unpack(keys, plain + plains + 1, plain + plains + steps) }, why, left)
    end
  end
  for i = 1, adds do call('ZADD', keys[o + i], 0, args[at + i]) end
  at, o = at + adds, o + adds
  for i = 1, drops do call('ZREM', keys[o + i], args[at + i]) end
  at, o = at + drops, o + drops
  for i = 1, lists do
    local list = listed[keys[o + i]]
    if not list then
      list = {}
      listed[keys[o + i]] = list
    end
    list[#list + 1], list[#list + 2] = args[at + 2 * i - 1], args[at + 2 * i]
  end
  at = at + 2 * lists
  for i = 1, entries do done[i + 1] = log(args[at + i]) end
  at = at + entries
  if finish then
    for key, value in pairs(finish(done[2], append('events', told .. done[1] .. telling))) do
      rows[key], mark = value, value
      call('SET', key, value)
    end
  end
  for i = 1, events do append('events', args[at + i]) end
  for i = 1, changes do
    local _, before, behind, rest = unpack(args, a + 4 * i - 3, a + 4 * i)
    if before ~= '' then
      local entry, after, seen = match(behind, '^(%d*)(\31%d+\31%d\31)(%d+)$')
      local stamp, seenThen, tail = unpack(found[i])
      if entry ~= '' then before = before .. done[entry + 1] end
      if tonumber(seenThen) > tonumber(seen) then seen = seenThen end
      -- Only the session that a step spares gets other epochs.
      put(keys[t + i], (finish and mark or stamp) .. '\31' .. before .. after .. seen .. (rest == '' and tail or rest))
    end
  end
  at = a + 4 * changes
  for i = 1, makes do put(keys[made + i], mark .. '\31' .. args[at + i]) end
  at = at + makes
  for i = 1, plains do
    local row = args[at + 2 * i]
    if row ~= '=' then put(keys[plain + i], row ~= '' and row) end
  end
  active = active + count
  return done
end

local answers, lost, shapes = {}, {}, {}
local a, t, o = 1, 2, strings + 2
while a < #args do
  a = a + 1
  local shape = shapes[args[a]]
  if not shape then
    shape = { match(args[a], '^(%d+) (%d+) (%d+) (%S+) (%d+) (%d+) (%d+) (%d+) (%d+) (%S+) (%S+) (%S+) (%S+) (%S+)$') }
    for i = 1, 10 do shape[i] = tonumber(shape[i]) end
    shapes[args[a]] = shape
  end
  local changes, makes, plains, steps, adds, drops, lists, entries, events, _, everyone, _, _, revision = unpack(shape)
  local fine, answer = pcall(make, a, t, o, unpack(shape))
  local on = everyone == '-' and 0 or 1
  if not fine then
    local why = type(answer) == 'table' and answer.err or string.gsub(answer, '^user_script:%d+: ', '')
    -- A right that the user lacks is lacked by every change.
    if string.find(why, 'NOPERM', 1, true) or string.find(why, 'The user executing', 1, true) then error({ err = why }) end
    answer = { 'failed', why }
  end
  if not answer then lost[#lost + 1] = { #answers + 1, on == 1 and t + 1, o + 1, t + on, changes + makes, plains } end
  answers[#answers + 1] = answer or 'lost'
  a = a + 4 * changes + makes + 2 * plains + (steps == 0 and 0 or 6) + adds + drops + 2 * lists + entries + events
  t = t + on + changes + makes + plains + math.abs(steps)
  o = o + on + (revision == '-' and 0 or 1) + (steps == -1 and 1 or 0) + adds + drops + lists
end
local puts = {}
for key, row in pairs(written) do
  if row then puts[#puts + 1], puts[#puts + 2] = key, row else call('DEL', key) end
end
for from = 1, #puts, ${2 * piece} do call('MSET', unpack(puts, from, math.min(from + ${2 * piece - 1}, #puts))) end
for key, list in pairs(listed) do
  for from = 1, #list, ${2 * piece} do call('ZADD', key, unpack(list, from, math.min(from + ${2 * piece - 1}, #list))) end
end
if active ~= 0 then call('INCRBY', shared .. 'active', active) end
if #lost == 0 then return answers end
${withPieces(['epochs', 'attempt'])}${snapshot}
local function foundOf(mark, epochs, first, sessions, plains)
  local found = { 'lost', false, false }
  if mark then found[2], found[3] = everyoneOf(rows[keys[mark]] or '${firstEpochStamp}'), call('HGET', keys[epochs], 'n') or 0 end
  for i = first + 1, first + sessions do
    local home, id = match(keys[i], '^(.*:)s:(.*)$')
    found[#found + 1] = snapshot(home, id)
  end
  for i = first + sessions + 1, first + sessions + plains do found[#found + 1] = rows[keys[i]] end
  return found
end
for _, one in ipairs(lost) do answers[one[1]] = attempt(foundOf, unpack(one, 2, 6)) end
return answers
`,
};
export const commit: Script = writing(program);

/** The same for what a sweep writes: it makes room. */
export const commitWhenFull: Script = writingWhenFull({ ...program, name: 'commitWhenFull' });

/** What the pages of one script may cost before the next one has to wait for another script, in rows. */
const pageCost = 250;
/** How many ids are read at the cost of a row. */
const idsOfRow = 20;

/**
 * Of each user, a page of the sessions that are live, deadlines aside, oldest first: `most` of them after a position (empty
 * for the oldest). Answers the epochs; the revision, or nothing if it is not the first page or there are too many; the id to
 * go on after, or nothing if there are no more; then id and row of each. Answers `later` if those before it have cost so
 * much that Redis should be free for others first.
 */
export const readSessionsOf: Script = readingEach({
  name: 'readSessionsOf',
  uses: ['epochs'],
  names: ['userId', 'after', 'most'],
  once: `${revision}
local cost = 0
`,
  body: `
if cost >= ${pageCost} then return 'later' end
local limit = tonumber(most)
local everyone, user = present(home, userId)
local found = { everyone, user, false, false }
if limit == 0 then return found end
local key = home .. 'u:' .. everyone .. '.' .. user .. ':' .. userId
if after == '' then
  local count = redis.call('ZCARD', key)
  if count <= ${mostRevised} then
    found[3] = revisionOf(redis.call('ZRANGE', key, 0, ${mostRevised - 1}))
    cost = cost + count / ${idsOfRow}
  end
end
local ids = redis.call('ZRANGE', key, after == '' and '-' or '(' .. after, '+', 'BYLEX', 'LIMIT', 0, limit + 1)
if #ids > limit then
  table.remove(ids)
  found[4] = ids[limit]
end
cost = cost + #ids
for _, id in ipairs(ids) do
  local row = redis.call('GET', home .. 's:' .. id)
  if row then
    found[#found + 1] = id
    found[#found + 1] = row
  end
end
return found
`,
});

/** Of each name: the row of its slot, and the id and the snapshot of the session in it. */
export const readSlots: Script = readingEach({
  name: 'readSlots',
  uses: ['epochs'],
  names: ['name'],
  body: `${snapshot}
local slot = redis.call('GET', shared .. 'slot:' .. name)
local id = slot and cells(slot)[${slotCell.sessionId}]
if not id or id == '' then return { slot } end
return { slot, id, snapshot(homeOf(id), id) }
`,
});
