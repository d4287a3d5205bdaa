import { limits } from '../../../domain/limits.ts';
import { cell } from '../codec.ts';
import { reading, type Script } from './script.ts';

/** Ids of one sorted set, downwards from just below a position. */
const pageOf = `
local limit = tonumber(ARGV[1])
local upTo = ARGV[2] == '' and '+' or '(' .. ARGV[2]
local function page(key)
  return redis.call('ZRANGE', key, upTo, '-', 'BYLEX', 'REV', 'LIMIT', 0, limit)
end
`;

/**
 * All places where candidates of a list are, looked at in one step: a session that moves from one to another is in one of
 * them. Those that are in no list yet are candidates for every list. However many stand in a place, a limited number of
 * each is looked at. ARGV: limit, position (empty for the newest), now, `1` to look for those that have ended among the living, then
 * keys behind the common beginning. Answers a list of ids a place.
 */
export const candidates: Script = reading({
  name: 'candidates',
  uses: ['rows'],
  body: `${pageOf}
local found = { page(shared .. 'fresh') }
for i = 5, #ARGV do found[#found + 1] = page(shared .. ARGV[i]) end
if ARGV[4] == '1' then
  local most = ${limits.dueCounted}
  local state = redis.call('HMGET', shared .. 'state', 'buried', 'walk')
  local due = redis.call('ZRANGE', shared .. 'deadlines', '-inf', ARGV[3], 'BYSCORE', 'LIMIT', 0, most + 1)
  local changed = redis.call('XRANGE', shared .. 'log', '(0-' .. (state[1] or 0), '+', 'COUNT', most + 1)
  local left, behind = {}, 0
  for i, item in ipairs(redis.call('ZRANGE', shared .. 'left', 0, most)) do
    local place = cells(item)
    left[i] = place[1] .. 'u:' .. place[2]
    behind = behind + redis.call('ZCARD', left[i])
    if behind > most then break end
  end
  if state[2] or math.max(#due, #changed, #left, behind) > most then
    -- Very many are found among all: to look at each of them would keep everybody waiting.
    found[#found + 1] = page(shared .. 'live')
  else
    local unburied = {}
    for _, entry in ipairs(changed) do
      local _, kind, id = unpack(cells(entry[2][2]))
      if kind == 's' then unburied[#unburied + 1] = id end
    end
    found[#found + 1] = due
    found[#found + 1] = unburied
    for _, key in ipairs(left) do found[#found + 1] = page(key) end
  end
end
return found
`,
});

/**
 * The same for a user's sessions. ARGV: limit, position, user, `1` for the live ones alone. Those that an epoch left behind
 * stand under the epochs that they were stamped with until the sweep has written their end down; the user's steps say in
 * how many places that is.
 */
export const candidatesOfUser: Script = reading({
  name: 'candidatesOfUser',
  uses: ['epochs'],
  body: `${pageOf}
local userId = ARGV[3]
local everyone, user = present(home, userId)
if ARGV[4] == '1' then return { page(home .. 'u:' .. everyone .. '.' .. user .. ':' .. userId) } end
local found = { page(home .. 'x:' .. userId), page(home .. 'u:' .. everyone .. '.' .. user .. ':' .. userId) }
local steps = home .. 'e:' .. userId
local left = tonumber(redis.call('HGET', steps, 'left') or 0)
-- Nothing is left behind by steps that are forgotten.
local lowest = math.max(user - redis.call('HLEN', steps), 0)
local walkFrom = redis.call('HGET', shared .. 'state', 'walkFrom')
for e = tonumber(walkFrom or everyone), everyone do
  for u = e == everyone and user - 1 or user, lowest, -1 do
    if not walkFrom and left == 0 then return found end
    local key = home .. 'u:' .. e .. '.' .. u .. ':' .. userId
    if redis.call('ZCARD', key) > 0 then
      found[#found + 1] = page(key)
      left = left - 1
    end
  end
end
return found
`,
});

/**
 * Active sessions: the number that is kept, less those whose deadline has passed and that nobody has written down.
 * ARGV: now, user (empty for everybody).
 */
export const countActive: Script = reading({
  name: 'countActive',
  uses: ['epochs', 'deadline'],
  body: `
local now, userId = ARGV[1], ARGV[2]
local most = ${limits.dueCounted}
local count, due
if userId == '' then
  count = tonumber(redis.call('GET', shared .. 'active') or 0)
else
  local everyone, user = present(home, userId)
  local key = everyone .. '.' .. user .. ':' .. userId
  local live = redis.call('ZCARD', home .. 'u:' .. key)
  count = live - redis.call('ZCARD', home .. 'v:' .. key)
  if live <= most then due = redis.call('ZRANGE', home .. 'u:' .. key, 0, -1) end
end
due = due or redis.call('ZRANGE', shared .. 'deadlines', '-inf', now, 'BYSCORE', 'LIMIT', 0, most)
local looks = {}
for _, id in ipairs(due) do looks[id] = true end
-- Of what the sweep has not placed yet, as many of the oldest as may be looked at; a user's own stand under the user.
if userId == '' and #due < most then
  local placed = redis.call('HGET', shared .. 'state', 'placed') or 0
  for _, entry in ipairs(redis.call('XRANGE', shared .. 'events', '(0-' .. placed, '+', 'COUNT', most - #due)) do
    local told = cells(entry[2][2])
    if told[1] == 'session.created' then looks[told[5]] = true end
  end
end
for id in pairs(looks) do
  local text = redis.call('GET', homeOf(id) .. 's:' .. id)
  local row = text and sessionOf(text)
  if row and row[${cell.endAt}] == '' and row[${cell.suspended}] == '0'
    and (userId == '' or row[${cell.userId}] == userId)
    and deadlineOf(row) <= tonumber(now)
    and not epochEnd(homeOf(id), row[${cell.userId}], row[${cell.epochStamp}], row[${cell.user}]) then
    count = count - 1
  end
end
return count
`,
});
