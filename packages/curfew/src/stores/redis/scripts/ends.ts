import { cell } from '../codec.ts';
import { type Script, writing } from './script.ts';

/** ARGV: id, at, by, reason, the user whose it must be (empty for anybody's). */
export const endSession: Script = writing({
  name: 'endSession',
  uses: ['writeEnd', 'endOf'],
  body: `
local id = ARGV[1]
local text = redis.call('GET', home .. 's:' .. id)
local row = text and sessionOf(text)
if not row or (ARGV[5] ~= '' and row[${cell.userId}] ~= ARGV[5]) then return { 'not_found' } end
local earlier, behind = endOf(home, row, ARGV[2])
if earlier and earlier[4] then return { 'already', text, earlier } end
local why = earlier or { ARGV[2], ARGV[3], ARGV[4] }
writeEnd(home, id, row, why, behind, ARGV[2])
return { earlier and 'already' or 'ended', joined(row), why }
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
