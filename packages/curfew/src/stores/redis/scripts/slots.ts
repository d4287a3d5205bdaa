import { reading, type Script, writing } from './script.ts';

/** ARGV: name, row, event. */
export const createNamed: Script = writing({
  name: 'createNamed',
  uses: ['event'],
  body: `
if redis.call('SETNX', shared .. 'slot:' .. ARGV[1], ARGV[2]) == 0 then return 'exists' end
redis.call('ZADD', shared .. 'slots', 0, ARGV[1])
event(ARGV[3])
return 'created'
`,
});

/** ARGV: name. */
export const readNamed: Script = reading({
  name: 'readNamed',
  body: `return redis.call('GET', shared .. 'slot:' .. ARGV[1])`,
});

/** ARGV: name, version that was read, row, event (may be empty). */
export const changeNamed: Script = writing({
  name: 'changeNamed',
  uses: ['rows', 'event'],
  body: `
local found = redis.call('GET', shared .. 'slot:' .. ARGV[1])
if not found then return 'not_found' end
if cells(found)[1] ~= ARGV[2] then return 'conflict' end
redis.call('SET', shared .. 'slot:' .. ARGV[1], ARGV[3])
if ARGV[4] ~= '' then event(ARGV[4]) end
return 'changed'
`,
});

/** ARGV: name, event. */
export const removeNamed: Script = writing({
  name: 'removeNamed',
  uses: ['event'],
  body: `
if redis.call('DEL', shared .. 'slot:' .. ARGV[1]) == 0 then return end
redis.call('ZREM', shared .. 'slots', ARGV[1])
event(ARGV[2])
`,
});

/** ARGV: limit, position (may be empty). Answers pairs of name and row. */
export const listNamed: Script = reading({
  name: 'listNamed',
  body: `
local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local found = {}
for _, name in ipairs(redis.call('ZRANGE', shared .. 'slots', from, '+', 'BYLEX', 'LIMIT', 0, ARGV[1])) do
  found[#found + 1] = { name, redis.call('GET', shared .. 'slot:' .. name) }
end
return found
`,
});
