import { basename } from 'node:path';
import type { ModelCard } from 'shared/contract/model-card';
import type { BackboneName } from '../config/backbone-names.ts';
import { backbones } from './registry.ts';

/** What a model card states as the origin of the weights. */
export function pretrainingOf(name: BackboneName, weights: string): ModelCard['pretraining'] {
  if (weights === 'none') return { dataset: 'none', source: 'random weights' };
  if (weights !== 'imagenet') return { dataset: 'unknown', source: basename(weights) };
  return { dataset: 'ImageNet-1k', source: backbones[name].pretraining?.source ?? 'unknown' };
}

/** What a model card states as the weights' licences: none for the user's own file. */
export function licencesOf(name: BackboneName, weights: string): ModelCard['licences'] {
  const { pretraining } = backbones[name];
  if (weights !== 'imagenet' || !pretraining) return [];
  return [{ of: 'pretrained weights', licence: pretraining.licence }];
}
