import { reading, type Script, writing, writingWhenFull } from './script.ts';

/** ARGV: user. Answers the account's row, if there is one, and the present epochs (everyone's, the user's). */
export const readUser: Script = reading({
  name: 'readUser',
  uses: ['epochs'],
  body: `
local everyone, user = present(home, ARGV[1])
return { redis.call('GET', home .. 'a:' .. ARGV[1]), everyone, user }
`,
});

/** ARGV: a unique name, with its kind before it. Answers as readUser, or nothing. */
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

const names = String.raw`
-- The unique names lead to where the account is: the beginning of its keys, and its id.
local function namesOf(row)
  local names = { 'u' .. row[2] }
  if row[3] ~= '' then names[2] = 'e' .. row[3] end
  return names
end

local function takenName(id, row)
  for _, name in ipairs(namesOf(row)) do
    local holder = redis.call('GET', shared .. 'login:' .. name)
    if holder and cells(holder)[2] ~= id then
      return string.sub(name, 1, 1) == 'u' and 'username_taken' or 'email_taken'
    end
  end
end

local function write(id, before, after)
  if before then
    for _, name in ipairs(namesOf(before)) do redis.call('DEL', shared .. 'login:' .. name) end
    redis.call('ZREM', shared .. 'usernames', before[2])
  end
  if not after then
    redis.call('DEL', home .. 'a:' .. id)
    return
  end
  redis.call('SET', home .. 'a:' .. id, joined(after))
  for _, name in ipairs(namesOf(after)) do redis.call('SET', shared .. 'login:' .. name, home .. '\31' .. id) end
  redis.call('ZADD', shared .. 'usernames', 0, after[2])
end
`;

/** ARGV: id, row, event. */
export const createAccount: Script = writing({
  name: 'createAccount',
  uses: ['rows', 'event'],
  body: `${names}
local id, row = ARGV[1], cells(ARGV[2])
if redis.call('EXISTS', home .. 'a:' .. id) == 1 then return 'created' end
local taken = takenName(id, row)
if taken then return taken end
write(id, nil, row)
event(ARGV[3])
return 'created'
`,
});

const witness = `
-- Whether the account that a change depends on is as it was read; a change that names none depends on none.
local function stands(key, version)
  if key == '' then return true end
  local row = redis.call('GET', shared .. key)
  return row and cells(row)[1] == version
end
`;

/**
 * ARGV: id, version that was read, the key of the account it depends on and its version (may be empty), row, event (may be empty), at
 * (empty when nothing ends), by, reason, the session that is spared (may be empty).
 */
export const changeAccount: Script = writing({
  name: 'changeAccount',
  uses: ['endUser'],
  body: `${names}${witness}
local id, after = ARGV[1], cells(ARGV[5])
local found = redis.call('GET', home .. 'a:' .. id)
if not found then return { 'not_found' } end
local before = cells(found)
if before[1] ~= ARGV[2] or not stands(ARGV[3], ARGV[4]) then return { 'conflict' } end
local taken = takenName(id, after)
if taken then return { taken } end
local sequence = false
if ARGV[7] ~= '' then
  sequence = endUser(home, id, { ARGV[7], ARGV[8], ARGV[9] }, ARGV[10])
  -- The session it came from has just ended itself: then all of them end.
  if not sequence then sequence = endUser(home, id, { ARGV[7], ARGV[8], ARGV[9] }, '') end
end
write(id, before, after)
if ARGV[6] ~= '' then event(ARGV[6]) end
return { 'changed', sequence }
`,
});

/** ARGV: id, version that was read, the key of the account it depends on and its version (may be empty), event, at, by, reason. */
export const deleteAccount: Script = writing({
  name: 'deleteAccount',
  uses: ['endUser'],
  body: `${names}${witness}
local id = ARGV[1]
local found = redis.call('GET', home .. 'a:' .. id)
if not found then return { 'not_found' } end
local before = cells(found)
if before[1] ~= ARGV[2] or not stands(ARGV[3], ARGV[4]) then return { 'conflict' } end
local sequence = endUser(home, id, { ARGV[6], ARGV[7], ARGV[8] }, '')
write(id, before, nil)
event(ARGV[5])
return { 'deleted', sequence }
`,
});

/** ARGV: id, key, event. */
export const createKey: Script = writing({
  name: 'createKey',
  uses: ['event'],
  body: `
if redis.call('SETNX', shared .. 'key:' .. ARGV[1], ARGV[2]) == 0 then return end
redis.call('ZADD', shared .. 'keys', 0, ARGV[1])
event(ARGV[3])
`,
});

/**
 * ARGV: id, the key as it was read, as it shall be (the same when it was revoked already), event, at. Answers the number of
 * its entry in the log, or the log's head when there was nothing to do; nothing when the key is not as it was read.
 */
export const revokeKey: Script = writing({
  name: 'revokeKey',
  uses: ['head', 'log', 'event'],
  body: `
if redis.call('GET', shared .. 'key:' .. ARGV[1]) ~= ARGV[2] then return false end
if ARGV[2] == ARGV[3] then return head() end
redis.call('SET', shared .. 'key:' .. ARGV[1], ARGV[3])
event(ARGV[4])
return log('k', ARGV[1], ARGV[5])
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
