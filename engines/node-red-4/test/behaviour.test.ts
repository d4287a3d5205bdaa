import './support/this-engine.ts';
import '../../node-red/test/behaviour.test.ts';
