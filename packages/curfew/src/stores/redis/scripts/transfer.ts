import { type Script, writing } from './script.ts';

/** A command and its arguments, as Redis is told. */
export type Command = readonly string[];

/** Runs commands of an import in one step. ARGV: for each how many parts it has, then these. */
export const restore: Script = writing({
  name: 'restore',
  body: `
local at = 1
while at <= #ARGV do
  local parts = tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, at + parts))
  at = at + parts + 1
end
`,
});
