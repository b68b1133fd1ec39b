import { testAgreementInEightBits } from '../../../fixtures/fitted/agreement-in-eight-bits.ts';
import { backboneNames } from '../../config/backbone-names.ts';

// They take as long as all others, whose tests run beside them in another process.
testAgreementInEightBits(backboneNames.filter((name) => name.startsWith('efficientnetb')));
