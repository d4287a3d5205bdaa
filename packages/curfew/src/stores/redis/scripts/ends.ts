import { cell } from '../codec.ts';
import { type Script, writing } from './script.ts';

/** ARGV: id, at, by, reason, the user whose it must be (empty for anybody's). */
export const endSession: Script = writing({
  name: 'endSession',
  uses: ['writeEnd', 'endOf'],
  body: `
local id = ARGV[1]
local text = redis.call('GET', home .. 's:' .. id)
local row = text and cells(text)
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

/** ARGV: at, by, reason. Answers the log entry and how many it ended. */
export const endEveryone: Script = writing({
  name: 'endEveryone',
  uses: ['log', 'event'],
  body: String.raw`
local state = redis.call('HMGET', shared .. 'state', 'active', 'everyone', 'walk')
local ended, everyone = tonumber(state[1] or 0), tonumber(state[2] or 0)
local sequence = log('a', '', ARGV[1])
redis.call('HSET', shared .. 'everyone', everyone + 1, table.concat({ ARGV[1], ARGV[2], ARGV[3], sequence }, '\31'))
redis.call('HSET', shared .. 'state', 'active', 0, 'everyone', everyone + 1, 'walk', '')
-- From which epoch on sessions may be left behind that are not written down yet.
if not state[3] then redis.call('HSET', shared .. 'state', 'walkFrom', everyone) end
event(table.concat({ 'everyone.ended', ARGV[1], ARGV[2], '', '', ARGV[3], '{"ended":' .. ended .. '}' }, '\31'))
return { sequence, ended }
`,
});
