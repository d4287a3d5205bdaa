import { reading, readingEach, type Script, writing, writingWhenFull } from './script.ts';

/** Of each user: the account's row, if there is one, and the present epochs (everyone's, the user's). */
export const readUsers: Script = readingEach({
  name: 'readUsers',
  uses: ['epochs'],
  names: ['userId'],
  body: `
local everyone, user = present(home, userId)
return { redis.call('GET', home .. 'a:' .. userId), everyone, user }
`,
});

/** Of each account: its row, if there is one. Something else under its key is a fault, not an account that is not there. */
export const readAccounts: Script = readingEach({
  name: 'readAccounts',
  names: ['id'],
  body: `return redis.call('GET', home .. 'a:' .. id)\n`,
});

/** ARGV: a unique name, with its kind before it. Answers as readUsers does for one, or nothing. */
export const findAccount: Script = reading({
  name: 'findAccount',
  uses: ['epochs'],
  body: `
local found = redis.call('GET', shared .. 'login:' .. ARGV[1])
if not found then return false end
local place = cells(found)
local everyone, user = present(place[1], place[2])
return { redis.call('GET', place[1] .. 'a:' .. place[2]), everyone, user }
`,
});

/** A page of accounts by user name. ARGV: limit, position (may be empty). Answers pairs of user name and row. */
export const listAccounts: Script = reading({
  name: 'listAccounts',
  uses: ['rows'],
  body: `
local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local found = {}
for _, username in ipairs(redis.call('ZRANGE', shared .. 'usernames', from, '+', 'BYLEX', 'LIMIT', 0, ARGV[1])) do
  local place = redis.call('GET', shared .. 'login:u' .. username)
  local account = place and cells(place)
  local row = account and redis.call('GET', account[1] .. 'a:' .. account[2])
  found[#found + 1] = { username, row }
end
return found
`,
});

/** ARGV: id, the key as it was read, as it shall be. Answers 1, or 0 when the key is not as it was read. */
export const touchKey: Script = writing({
  name: 'touchKey',
  body: `
local key = shared .. 'key:' .. ARGV[1]
if redis.call('GET', key) ~= ARGV[2] then return 0 end
redis.call('SET', key, ARGV[3])
return 1
`,
});

/** ARGV: the format that was read, the present one, then ids of keys, each with its row as read and as it shall be. */
export const carryOver: Script = writingWhenFull({
  name: 'carryOver',
  body: `
if redis.call('HGET', shared .. 'state', 'format') ~= ARGV[1] then return end
for i = 3, #ARGV, 3 do
  local key = shared .. 'key:' .. ARGV[i]
  if redis.call('GET', key) == ARGV[i + 1] then redis.call('SET', key, ARGV[i + 2]) end
end
redis.call('HSET', shared .. 'state', 'format', ARGV[2])
`,
});

/** ARGV: id. */
export const readKey: Script = reading({
  name: 'readKey',
  body: `return redis.call('GET', shared .. 'key:' .. ARGV[1])`,
});

/** ARGV: limit, position (may be empty). Newest first. */
export const listKeys: Script = reading({
  name: 'listKeys',
  body: `
local upTo = ARGV[2] == '' and '+' or '(' .. ARGV[2]
local found = {}
for _, id in ipairs(redis.call('ZRANGE', shared .. 'keys', upTo, '-', 'BYLEX', 'REV', 'LIMIT', 0, ARGV[1])) do
  found[#found + 1] = redis.call('GET', shared .. 'key:' .. id)
end
return found
`,
});
