import { testAgreementInEightBits } from '../../../fixtures/fitted/agreement-in-eight-bits.ts';
import { backboneNames } from '../../config/backbone-names.ts';

// The others are in efficientnets-int8.slow.test.ts.
testAgreementInEightBits(backboneNames.filter((name) => !name.startsWith('efficientnetb')));
