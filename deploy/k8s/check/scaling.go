package main

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"
)

// scaledObject is what is looked at of a KEDA ScaledObject.
type scaledObject struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		ScaleTargetRef struct {
			Name string `json:"name"`
		} `json:"scaleTargetRef"`
		Triggers []struct {
			Type     string            `json:"type"`
			Metadata map[string]string `json:"metadata"`
		} `json:"triggers"`
	} `json:"spec"`
}

// keepScaled keeps a ScaledObject.
func (c *cluster) keepScaled(text []byte) error {
	var o scaledObject
	if err := yaml.Unmarshal(text, &o); err != nil {
		return err
	}
	c.scaled = append(c.scaled, o)
	return nil
}

// checkScaling returns which ScaledObjects look at a consumer that is not
// declared, or scale what is not there or has a number of its own.
func (c *cluster) checkScaling(known knowledge) []error {
	var problems []error
	for _, o := range c.scaled {
		found := func(format string, values ...any) {
			problems = append(problems, fmt.Errorf("ScaledObject %s: %w", o.Metadata.Name, fmt.Errorf(format, values...)))
		}
		target := o.Spec.ScaleTargetRef.Name
		at := slices.IndexFunc(c.deployments, func(d *appsv1.Deployment) bool { return d.Name == target })
		switch {
		case at < 0:
			found("there is no deployment %s", target)
		case c.deployments[at].Spec.Replicas != nil:
			found("deployment %s has a number of replicas, too: each apply would undo the scaling", target)
		}
		for _, t := range o.Spec.Triggers {
			consumer, stream := t.Metadata["consumer"], t.Metadata["stream"]
			switch {
			case t.Type != "nats-jetstream":
				found("want the trigger nats-jetstream, not %s", t.Type)
			case known.streams[consumer] != stream:
				found("stream %q has no declared consumer %q", stream, consumer)
			case t.Metadata["account"] != stream: // each stream lives in the account of its name
				found("consumer %s is in the account %s, not %s", consumer, stream, t.Metadata["account"])
			}
		}
	}
	return problems
}
