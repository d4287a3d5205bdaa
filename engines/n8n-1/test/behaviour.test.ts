import './support/this-engine.ts';
import '../../n8n/test/behaviour.test.ts';
