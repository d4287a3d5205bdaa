import './support/this-engine.ts';
import '../../n8n/test/http-request.test.ts';
