package main

import (
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

// cluster is what an overlay holds.
type cluster struct {
	deployments []*appsv1.Deployment
	jobs        []*batchv1.Job
	selectors   map[string]metav1.LabelSelector // of disruption budgets and policies, by name
	scaled      [][]byte
}

// decode reads an object into its type, strictly, and keeps it.
func (c *cluster) decode(text []byte) error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, batchv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	object, _, err := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer().Decode(text, nil, nil)
	if err != nil {
		return err
	}
	if c.selectors == nil {
		c.selectors = map[string]metav1.LabelSelector{}
	}
	switch o := object.(type) {
	case *appsv1.Deployment:
		c.deployments = append(c.deployments, o)
	case *batchv1.Job:
		c.jobs = append(c.jobs, o)
	case *policyv1.PodDisruptionBudget:
		c.selectors["PodDisruptionBudget "+o.Name] = *o.Spec.Selector
	case *networkingv1.NetworkPolicy:
		c.selectors["NetworkPolicy "+o.Name] = o.Spec.PodSelector
	}
	return nil
}

// check returns what no schema knows to be wrong.
func (c *cluster) check() []error {
	var problems []error
	var pods []labels.Set
	for _, d := range c.deployments {
		pods = append(pods, d.Spec.Template.Labels)
		for _, err := range append(checkPod(d.Spec.Template.Spec), checkProbes(d.Spec.Template.Spec.Containers[0])...) {
			problems = append(problems, fmt.Errorf("Deployment %s: %w", d.Name, err))
		}
		if selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector); err != nil || !selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			problems = append(problems, fmt.Errorf("Deployment %s: its selector does not match its pods", d.Name))
		}
		if _, found := c.selectors["PodDisruptionBudget "+d.Name]; !found {
			problems = append(problems, fmt.Errorf("Deployment %s: it has no PodDisruptionBudget", d.Name))
		}
	}
	for _, j := range c.jobs {
		pods = append(pods, j.Spec.Template.Labels)
		for _, err := range checkPod(j.Spec.Template.Spec) {
			problems = append(problems, fmt.Errorf("Job %s: %w", j.Name, err))
		}
	}
	for name, s := range c.selectors {
		selector, err := metav1.LabelSelectorAsSelector(&s)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
			continue
		}
		matched := false
		for _, p := range pods {
			matched = matched || selector.Matches(p)
		}
		if !matched {
			problems = append(problems, fmt.Errorf("%s: it selects no pod", name))
		}
	}
	return problems
}

// checkPod returns what a pod lacks of the restricted standard, and of limits.
func checkPod(pod corev1.PodSpec) []error {
	var problems []error
	c := pod.Containers[0]
	switch {
	case len(pod.Containers) != 1:
		problems = append(problems, errors.New("want one container"))
	case pod.SecurityContext == nil || pod.SecurityContext.RunAsNonRoot == nil || !*pod.SecurityContext.RunAsNonRoot:
		problems = append(problems, errors.New("it may run as root"))
	case c.SecurityContext == nil || c.SecurityContext.ReadOnlyRootFilesystem == nil || !*c.SecurityContext.ReadOnlyRootFilesystem:
		problems = append(problems, errors.New("its files can be written"))
	case c.SecurityContext.AllowPrivilegeEscalation == nil || *c.SecurityContext.AllowPrivilegeEscalation:
		problems = append(problems, errors.New("it may gain privileges"))
	case pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken:
		problems = append(problems, errors.New("it gets a token of the cluster's API"))
	}
	if c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
		problems = append(problems, errors.New("it has no requests or limits"))
	}
	return problems
}

func checkProbes(c corev1.Container) []error {
	if c.StartupProbe == nil || c.LivenessProbe == nil || c.ReadinessProbe == nil {
		return []error{errors.New("it lacks a probe")}
	}
	return nil
}
