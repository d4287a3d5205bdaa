import './support/this-engine.ts';
import '../../node-red/test/package.test.ts';
