import { cell, firstEpochStamp, separator, tail } from '../codec.ts';
import { reading, type Script, withPieces, writing } from './script.ts';

/**
 * ARGV: for each creation id, user, the row behind its two epochs, now, the epochs that must be present (everyone's, the
 * user's; empty for any), event, name, limit (empty for none), `replace` or `refuse`.
 * Answers for each `already` with the row, or `created` with the epochs, the ids that it replaced and the last log entry,
 * or why not; `damaged` and why.
 */
export const createSessions: Script = writing({
  name: 'createSessions',
  uses: ['rows', 'attempt'],
  body: `
local count, marks, users = #ARGV / 10, {}, {}
for i = 1, count do
  local home = homeOf(ARGV[10 * i - 9])
  marks[i] = home .. 'm'
  users[i] = redis.pcall('HGET', home .. 'e:' .. ARGV[10 * i - 8], 'n') or '0'
end
marks = redis.call('MGET', unpack(marks))
local added = {}
local function add(home, id, userId, mark, user, unstamped, told)
  local everyone = string.match(mark, '^%d+')
  local place = home .. 'u:' .. everyone .. '.' .. user .. ':' .. userId
  -- First what may fail, when somebody has written something else there: then nothing has been written.
  local placed = redis.call('ZADD', place, 0, id)
  local already = redis.call('SET', home .. 's:' .. id, mark .. '${separator}' .. user .. '${separator}' .. unstamped, 'NX', 'GET')
  if already then
    if placed == 1 then redis.call('ZREM', place, id) end
    return { 'already', already }
  end
  -- The lists follow with the sweep, which finds it by its event.
  redis.call('XADD', shared .. 'events', '0-*', 'e', told)
  added[#added + 1] = 0
  added[#added + 1] = id
  return { 'created', tonumber(everyone), tonumber(user) }
end
local answers, rest = {}, {}
for i = 1, count do
  local id, userId, unstamped, now, everyone, epoch, told, name, most = unpack(ARGV, 10 * i - 9, 10 * i - 1)
  local home, mark, user = homeOf(id), marks[i] or '${firstEpochStamp}', users[i]
  local moved = everyone ~= '' and (everyone ~= string.match(mark, '^%d+') or epoch ~= user)
  -- Most sessions have no name and no limit, and need nothing of the rest.
  if type(user) == 'table' then
    answers[i] = { 'damaged', user.err }
  elseif moved or name ~= '' or most ~= '' then
    rest[#rest + 1] = { i, home, mark, user, moved }
  else
    answers[i] = attempt(add, home, id, userId, mark, user, unstamped, told)
  end
end
if #rest > 0 then
  ${withPieces(['writeEnd', 'live'])}
  local function addRest(i, home, mark, user, moved)
    local id, userId, unstamped, now, _, _, told, name, most, excess = unpack(ARGV, 10 * i - 9, 10 * i)
    local already = redis.call('GET', home .. 's:' .. id)
    if already then return { 'already', already } end
    if moved then return { 'epoch_moved' } end
    if name ~= '' then
      local free = nameIsFree(name, now)
      if free ~= 'free' then return { free } end
    end
    local replaced, sequence
    if most ~= '' then
      local active = liveOf(home, userId, now)
      local over = #active + 1 - tonumber(most)
      if over > 0 and excess == 'refuse' then return { 'too_many', #active } end
      replaced = {}
      for i = 1, math.min(over, #active) do
        local oldest = active[i]
        sequence = writeEnd(home, oldest[1], oldest[2], { now, 'policy', 'replaced' }, false, now)
        replaced[i] = oldest[1]
      end
    end
    local answer = add(home, id, userId, mark, user, unstamped, told)
    if name ~= '' then holdName(name, id, now) end
    answer[4], answer[5] = replaced, sequence
    return answer
  end
  for _, one in ipairs(rest) do answers[one[1]] = attempt(addRest, unpack(one)) end
end
if #added > 0 then
  redis.call('ZADD', shared .. 'fresh', unpack(added))
  redis.call('INCRBY', shared .. 'active', #added / 2)
end
return answers
`,
});

const snapshot = String.raw`
-- A session's row, alone or with the end that an epoch gave it.
local function snapshot(home, id)
  local text = redis.call('GET', home .. 's:' .. id)
  if not text then return false end
  local mark, user, ended, userId = string.match(text, '^([%d.]+)\31(%d+)\31(%d*)\31([^\31]*)')
  if ended ~= '' then return text end
  local step = epochEnd(home, userId, mark, user)
  if not step then return text end
  return { text, step[1], step[2], step[3], step[4] }
end
`;

/** ARGV: id. Answers a snapshot: the row, or the row and the four cells of an end; nothing when there is none. */
export const readSession: Script = reading({
  name: 'readSession',
  uses: ['epochs'],
  body: `${snapshot}return snapshot(home, ARGV[1])`,
});

/** ARGV: ids. Answers a snapshot for each. */
export const readSessions: Script = reading({
  name: 'readSessions',
  uses: ['epochs'],
  body: `${snapshot}
local found = {}
for i, id in ipairs(ARGV) do found[i] = snapshot(homeOf(id), id) end
return found
`,
});

/** ARGV: name. Answers the id and the snapshot of the session in its slot. */
export const readNamedSession: Script = reading({
  name: 'readNamedSession',
  uses: ['epochs'],
  body: `${snapshot}
local slot = redis.call('GET', shared .. 'slot:' .. ARGV[1])
local id = slot and cells(slot)[4]
if not id or id == '' then return false end
return { id, snapshot(homeOf(id), id) }
`,
});

/** ARGV: id, version, now, `1` when it is logged, event (may be empty), then pairs of cell and text. */
export const changeSession: Script = writing({
  name: 'changeSession',
  uses: ['endOf', 'indexes', 'log', 'event'],
  body: `
local id, now = ARGV[1], ARGV[3]
local text = redis.call('GET', home .. 's:' .. id)
if not text then return { 'not_found' } end
local row = sessionOf(text)
if endOf(home, row, now) then return { 'ended' } end
if row[${cell.version}] ~= ARGV[2] then return { 'conflict' } end
local wasSuspended, lastSeenAt = row[${cell.suspended}], row[${cell.lastSeenAt}]
for i, part in ipairs(cells(row[${tail}])) do row[${tail - 1} + i] = part end
for i = 6, #ARGV, 2 do row[tonumber(ARGV[i])] = ARGV[i + 1] end
if tonumber(row[${cell.lastSeenAt}]) < tonumber(lastSeenAt) then row[${cell.lastSeenAt}] = lastSeenAt end
row[${cell.version}] = row[${cell.version}] + 1
if row[${cell.suspended}] ~= wasSuspended then
  local suspended = row[${cell.suspended}] == '1'
  if suspended then place(home, id, row) else
    redis.call('ZREM', home .. 'v:' .. stamp(row), id)
    redis.call('ZREM', shared .. 'suspended', id)
  end
  redis.call('INCRBY', shared .. 'active', suspended and -1 or 1)
end
local changed = joined(row)
redis.call('SET', home .. 's:' .. id, changed)
local sequence = ARGV[4] == '1' and log('s', id, now)
if ARGV[5] ~= '' then event(ARGV[5]) end
return { 'changed', changed, sequence }
`,
});

/** ARGV: pairs of id and moment. */
export const touchSessions: Script = writing({
  name: 'touchSessions',
  uses: ['endOf'],
  body: `
for i = 1, #ARGV, 2 do
  local key = homeOf(ARGV[i]) .. 's:' .. ARGV[i]
  local text, at = redis.call('GET', key), tonumber(ARGV[i + 1])
  local row = text and sessionOf(text)
  -- Activity after the deadline is no activity of this session, and an end is for good: see touch in domain/session.ts.
  if row and at > tonumber(row[${cell.lastSeenAt}]) and not endOf(homeOf(ARGV[i]), row, at) then
    row[${cell.lastSeenAt}] = ARGV[i + 1]
    -- No epoch has ended it so far: whoever reads it next sees that at once.
    row[${cell.epochStamp}] = markOf(homeOf(ARGV[i]))
    redis.call('SET', key, joined(row))
  end
end
`,
});

/**
 * ARGV: user, now, one session's id (empty for all), groups to add and to remove (each list joined), the beginning of the
 * event and of its details, the most groups that a session may have.
 */
export const changeGroups: Script = writing({
  name: 'changeGroups',
  uses: ['live', 'log', 'head', 'event'],
  body: String.raw`
local userId, now, only, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[8])
local function list(text)
  local items, has = {}, {}
  for item in string.gmatch(text, '[^\30]+') do
    if not has[item] then
      items[#items + 1] = item
      has[item] = true
    end
  end
  return items, has
end
local add, adds = list(ARGV[4])
local _, removes = list(ARGV[5])
local changed, chosen = {}, 0
-- All of them are computed before the first is written: one that would have too many refuses the whole change.
for _, session in ipairs(liveOf(home, userId, now)) do
  if only == '' or session[1] == only then
    chosen = chosen + 1
    local before, had = list(session[2][${cell.groups}])
    local after, gone, came = {}, {}, {}
    for _, group in ipairs(before) do
      if removes[group] and not adds[group] then gone[#gone + 1] = group else after[#after + 1] = group end
    end
    for _, group in ipairs(add) do
      if not had[group] then
        came[#came + 1] = group
        after[#after + 1] = group
      end
    end
    if #gone + #came > 0 then
      if #after > most then return { 'too_many_groups' } end
      changed[#changed + 1] = { session[1], session[2], after, gone, came }
    end
  end
end
if only ~= '' and chosen == 0 then return { 'not_found' } end
if #changed == 0 then return { 'changed', 0, head() } end
for _, change in ipairs(changed) do
  local id, row = change[1], change[2]
  row[${cell.groups}] = table.concat(change[3], '\30')
  row[${cell.version}] = row[${cell.version}] + 1
  redis.call('SET', home .. 's:' .. id, joined(row))
  for _, group in ipairs(change[4]) do redis.call('ZREM', shared .. 'l:g:' .. group, id) end
  for _, group in ipairs(change[5]) do redis.call('ZADD', shared .. 'l:g:' .. group, 0, id) end
end
local sequence = log('u', userId, now)
event(ARGV[6] .. '\31' .. ARGV[7] .. ',"updated":' .. #changed .. '}')
return { 'changed', #changed, sequence }
`,
});
