import { testReplacing } from '../../../../packages/curfew/test/support/replace-tests.ts';

testReplacing('postgres');
