import { describeBackend } from '../../fixtures/backend-suite.ts';

describeBackend('cpu', /^plain JavaScript, tfjs 4\.\S+$/);
