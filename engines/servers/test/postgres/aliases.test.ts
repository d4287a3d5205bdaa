import { testAliases } from '../../../../packages/curfew/test/support/alias-tests.ts';

testAliases('postgres');
