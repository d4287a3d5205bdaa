import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePath, shownPath, userIdAt } from '../../src/sources/path.ts';

const session = {
  passport: { user: 'ada', ids: [7, 8] },
  'https://id.example/sub': { value: 12 },
  'a"b': 'quoted',
  zoë: 'accents',
  list: [],
  empty: '',
  nothing: null,
  half: 1.5,
  huge: 2 ** 53,
};

const idAt = (path: string) => userIdAt(session, [parsePath(path)]);

test('a path names a place in a session: by names, places in lists, and quoted names', () => {
  const found = {
    'passport.user': 'ada',
    'passport.ids[1]': '8',
    'passport.ids.0': '7',
    '["https://id.example/sub"].value': '12',
    '["a\\"b"]': 'quoted',
    'passport["user"]': 'ada',
    zoë: 'accents',
  };
  for (const [path, id] of Object.entries(found)) {
    assert.equal(idAt(path), id, path);
    assert.equal(idAt(shownPath(parsePath(path))), id, 'it is shown as another path');
  }
});

test('where nothing is, nobody is signed in; what is not JSON of the session is not there', () => {
  const paths = [
    'absent',
    'passport.absent.deeper',
    'empty',
    'nothing',
    'passport.user.length',
    'list.length',
    'passport.ids[2]',
  ];
  for (const path of [...paths, 'constructor', '__proto__', 'toString', 'passport.ids.map']) {
    assert.equal(idAt(path), undefined, path);
  }
});

test('what is neither text nor a whole number is refused, with what to do', () => {
  const refused = {
    passport: /passport is an object with user, ids: --user-id passport\.…/,
    list: /list is a list/,
    half: /not whole/,
    huge: /too large/,
  };
  for (const [path, message] of Object.entries(refused)) {
    assert.throws(() => idAt(path), { reason: 'user_id_invalid', message }, path);
  }
});

test('of several places, the first with anything in it counts', () => {
  const places = ['passport.user.id', 'passport.user'].map(parsePath);
  assert.equal(userIdAt(session, places), 'ada');
  assert.equal(userIdAt({ passport: { user: { id: 7 } } }, places), '7');
  assert.equal(userIdAt({}, places), undefined);
});

test('a path is never evaluated: anything but names and places is refused, with the character', () => {
  const texts = [
    '',
    '.',
    '.a',
    'a.',
    'a..b',
    'a b',
    'a[',
    'a[-1]',
    'a[b]',
    "a['b']",
    'a["b]',
    'a()',
    'a+b',
    'a;b',
    '[0]b',
    '$(a)',
    'a["\\x"]',
    '$.a[*]',
  ];
  for (const text of texts) {
    assert.throws(() => parsePath(text), { code: 'import_option', message: /--user-id/ }, text);
  }
  assert.throws(() => parsePath('user.id()'), /from character 8 on/);
});
