import { cell, firstEpochStamp } from '../codec.ts';
import { type Script, withPieces, writing } from './script.ts';

/**
 * The cells of a session that nothing has ended, that is not suspended and has no name, as `plain` takes it apart: its
 * mark, its user's epoch, its user, its version, all that follows, and therein its times.
 */
const plain = String.raw`'^([%d.]+)\31(%d+)\31\31([^\31]*)\31\31\31\31(%d+)(\0310\31(%d+)\31(%d+)\31(%d+)\31\31.*)$'`;

/**
 * ARGV: for each end id, at, by, reason, the user whose it must be (empty for anybody's).
 * Answers for each the number of its entry and the row as it was found; or `ended` or `already`, that row, the cells of
 * the end, and whether they were written now; or `not_found`, or `damaged` and why.
 */
export const endSessions: Script = writing({
  name: 'endSessions',
  uses: ['rows'],
  body: String.raw`
local count, keys = #ARGV / 5, {}
for i = 1, count do
  local id = ARGV[5 * i - 4]
  local home = homeOf(id)
  keys[2 * i - 1], keys[2 * i] = home .. 's:' .. id, home .. 'm'
end
local found = redis.call('MGET', unpack(keys))
local answers, seen, written, rest = {}, {}, {}, {}
local moment = table.concat(redis.call('TIME'), '.')
for i = 1, count do
  local id, at, by, reason, owner = unpack(ARGV, 5 * i - 4, 5 * i)
  local text = found[2 * i - 1]
  local mark, user, userId, version, tail, seenAt, expiresAt, idle = string.match(text or '', ${plain})
  -- Most sessions are plain, and need nothing of the pieces: what they do is done here in as few steps as Redis allows.
  local home = homeOf(id)
  if mark and mark == (found[2 * i] or '${firstEpochStamp}') and not seen[id] and (owner == '' or owner == userId)
    and tonumber(at) < math.min(tonumber(expiresAt), seenAt + idle)
    and tonumber(redis.pcall('ZADD', home .. 'x:' .. userId, 0, id))
    and tonumber(redis.pcall('ZREM', home .. 'u:' .. string.match(mark, '^%d+') .. '.' .. user .. ':' .. userId, id)) then
    local sequence = string.match(redis.call('XADD', shared .. 'log', '0-*', 'e', at .. '\31s\31' .. id .. '\31' .. moment), '%d+$')
    redis.call('XADD', shared .. 'events', '0-*', 'e',
      'session.ended\31' .. at .. '\31' .. by .. '\31' .. userId .. '\31' .. id .. '\31' .. reason .. '\31')
    written[#written + 1] = keys[2 * i - 1]
    written[#written + 1] = mark .. '\31' .. user .. '\31' .. at .. '\31' .. userId .. '\31' .. by .. '\31'
      .. reason .. '\31' .. sequence .. '\31' .. version + 1 .. tail
    seen[id] = true
    answers[i] = { sequence, text }
  else
    rest[#rest + 1] = i
  end
end
if #written > 0 then
  redis.call('MSET', unpack(written))
  redis.call('DECRBY', shared .. 'active', #written / 2)
end
if #rest == 0 then return answers end
${withPieces(['writeEnd', 'endOf', 'attempt'])}
local function endOne(id, at, by, reason, owner)
  local home = homeOf(id)
  local text = redis.call('GET', home .. 's:' .. id)
  if not text then return { 'not_found' } end
  local row = sessionOf(text)
  if owner ~= '' and row[${cell.userId}] ~= owner then return { 'not_found' } end
  local earlier, behind = endOf(home, row, at)
  if earlier and earlier[4] then return { 'already', text, earlier, 0 } end
  local why = earlier or { at, by, reason }
  writeEnd(home, id, row, why, behind, at)
  return { earlier and 'already' or 'ended', text, why, 1 }
end
for _, i in ipairs(rest) do answers[i] = attempt(endOne, unpack(ARGV, 5 * i - 4, 5 * i)) end
return answers
`,
});

/** ARGV: user, at, by, reason, the session that is spared (may be empty). */
export const endSessionsOfUser: Script = writing({
  name: 'endSessionsOfUser',
  uses: ['endUser'],
  body: `
local sequence, ended = endUser(home, ARGV[1], { ARGV[2], ARGV[3], ARGV[4] }, ARGV[5])
if not sequence then return { 'not_found' } end
return { 'ended', sequence, ended }
`,
});

/** ARGV: at, by, reason, then every tag of a group of slots. Answers the log entry and how many it ended. */
export const endEveryone: Script = writing({
  name: 'endEveryone',
  uses: ['epochs', 'log', 'event'],
  body: String.raw`
local ended = tonumber(redis.call('GET', shared .. 'active') or 0)
local everyone = tonumber(redis.call('HGET', shared .. 'state', 'everyone') or 0)
local sequence = log('a', '', ARGV[1])
redis.call('HSET', shared .. 'everyone', everyone + 1, table.concat({ ARGV[1], ARGV[2], ARGV[3], sequence }, '\31'))
redis.call('SET', shared .. 'active', 0)
for i = 4, #ARGV do
  local home = shared .. '{' .. ARGV[i] .. '}:'
  redis.call('SET', home .. 'm', everyone + 1 .. '.' .. string.match(markOf(home), '%d+$'))
end
-- From which epoch on sessions may be left behind that are not written down yet, and up to which event they were created:
-- the sweep follows when all of them are placed.
if redis.call('HEXISTS', shared .. 'state', 'walk') == 0 then redis.call('HSET', shared .. 'state', 'walkFrom', everyone) end
local told = event(table.concat({ 'everyone.ended', ARGV[1], ARGV[2], '', '', ARGV[3], '{"ended":' .. ended .. '}' }, '\31'))
redis.call('HSET', shared .. 'state', 'everyone', everyone + 1, 'walk', '', 'walkEvents', told)
return { sequence, ended }
`,
});
