package main

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// check returns what the namespace's pod security standard refuses, and what a
// pod of ours has to have beyond it.
func (p pod) check(settings map[string]bool) []error {
	problems := p.restricted()
	spec := p.template.Spec
	if len(spec.Containers) != 1 {
		return append(problems, errors.New("want one container"))
	}
	if yes(spec.AutomountServiceAccountToken, true) {
		problems = append(problems, errors.New("it gets a token of the cluster's API"))
	}
	c := spec.Containers[0]
	if p.serves && (c.StartupProbe == nil || c.LivenessProbe == nil || c.ReadinessProbe == nil) {
		problems = append(problems, errors.New("it lacks a probe"))
	}
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef == nil || !settings[from.ConfigMapRef.Name] {
			problems = append(problems, errors.New("its settings come from a ConfigMap that is not there"))
		}
	}
	return append(problems, limits(c)...)
}

// limits returns what a container may do that none of ours has to.
func limits(c corev1.Container) []error {
	var problems []error
	if c.SecurityContext == nil || !yes(c.SecurityContext.ReadOnlyRootFilesystem, false) {
		problems = append(problems, errors.New("its files can be written"))
	}
	if c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
		problems = append(problems, errors.New("it has no requests or limits"))
	}
	return problems
}

// yes is what a switch says, or what the server takes it for when it says nothing.
func yes(flag *bool, otherwise bool) bool {
	if flag == nil {
		return otherwise
	}
	return *flag
}

// restricted holds the pod against the "restricted" standard, which the
// namespace enforces, with the admission's own code.
func (p pod) restricted() []error {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		return []error{err}
	}
	standard := podsecurity.LevelVersion{Level: podsecurity.LevelRestricted, Version: podsecurity.LatestVersion()}
	var problems []error
	for _, result := range evaluator.EvaluatePod(standard, &p.template.ObjectMeta, &p.template.Spec) {
		if !result.Allowed {
			problems = append(problems, fmt.Errorf("pod security: %s: %s", result.ForbiddenReason, result.ForbiddenDetail))
		}
	}
	return problems
}
