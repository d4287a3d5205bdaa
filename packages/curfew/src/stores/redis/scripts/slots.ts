import { reading, type Script } from './script.ts';

/** ARGV: name. */
export const readNamed: Script = reading({
  name: 'readNamed',
  body: `return redis.call('GET', shared .. 'slot:' .. ARGV[1])`,
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
