import './support/this-engine.ts';
import '../../node-red/test/editor.test.ts';
