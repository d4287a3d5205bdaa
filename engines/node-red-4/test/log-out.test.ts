import './support/this-engine.ts';
import '../../node-red/test/log-out.test.ts';
