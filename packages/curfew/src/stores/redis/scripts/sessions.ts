import { cell } from '../codec.ts';
import { reading, type Script, writing } from './script.ts';

/** In Lua. */
export const snapshot: string = String.raw`
-- What is read of a session's row: the row, alone or with the end that an epoch gave it.
local function snapshotOf(home, text)
  local mark, user, ended, userId = string.match(text, '^([%d.]+)\31(%d+)\31(%d*)\31([^\31]*)')
  if ended ~= '' then return text end
  local step = epochEnd(home, userId, mark, user)
  if not step then return text end
  return { text, step[1], step[2], step[3], step[4] }
end

local function snapshot(home, id)
  local text = redis.call('GET', home .. 's:' .. id)
  return text and snapshotOf(home, text)
end
`;

/** ARGV: ids. Answers a snapshot for each: the row, or the row and the four cells of an end; nothing when there is none. */
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

/** Drops the key of an alias whose session does not exist. ARGV: the key behind its beginning, the id. */
export const dropAlias: Script = writing({
  name: 'dropAlias',
  body: `
local key = shared .. ARGV[1]
if redis.call('GET', key) == ARGV[2] and redis.call('EXISTS', home .. 's:' .. ARGV[2]) == 0 then redis.call('DEL', key) end
`,
});

/** ARGV: pairs of id and moment. */
export const touchSessions: Script = writing({
  name: 'touchSessions',
  uses: ['epochs', 'deadline'],
  body: `
for i = 1, #ARGV, 2 do
  local home, at = homeOf(ARGV[i]), tonumber(ARGV[i + 1])
  local key = home .. 's:' .. ARGV[i]
  local text = redis.call('GET', key)
  local row = text and sessionOf(text)
  -- Activity after the deadline is no activity of this session, and an end is for good: see touch in domain/session.ts.
  if row and row[${cell.endAt}] == '' and at > tonumber(row[${cell.lastSeenAt}]) and at < deadlineOf(row)
    and not epochEnd(home, row[${cell.userId}], row[${cell.epochStamp}], row[${cell.user}]) then
    row[${cell.lastSeenAt}] = ARGV[i + 1]
    -- No epoch has ended it so far: whoever reads it next sees that at once.
    row[${cell.epochStamp}] = markOf(home)
    redis.call('SET', key, joined(row))
  end
end
`,
});
