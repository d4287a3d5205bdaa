import './support/this-engine.ts';
import '../../node-red/test/operations.test.ts';
