import './support/this-engine.ts';
import '../../n8n/test/log-out.test.ts';
