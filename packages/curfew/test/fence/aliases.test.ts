import { testAliases } from '../support/alias-tests.ts';
import { redisInstalled } from '../support/redis.ts';

testAliases('lmdb');
testAliases('redis', { skip: !redisInstalled });
