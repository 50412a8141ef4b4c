package main

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// cluster is what an overlay holds.
type cluster struct {
	deployments []*appsv1.Deployment
	pods        []pod
	others      []runtime.Object
	scaled      []scaledObject
}

// pod is the template of a deployment's or a job's pods.
type pod struct {
	owner    string // kind and name
	template corev1.PodTemplateSpec
	serves   bool // it is probed
}

// check returns what no schema knows to be wrong.
func (c *cluster) check(known knowledge) []error {
	var problems []error
	found := func(owner string, err error) { problems = append(problems, fmt.Errorf("%s: %w", owner, err)) }
	budgets, settings := map[string]bool{}, map[string]bool{}
	for _, object := range c.others {
		switch o := object.(type) {
		case *corev1.ConfigMap:
			settings[o.Name] = true
			for _, err := range known.files(o.Data, "createuser") { // every program reads the same names
				found("ConfigMap "+o.Name, err)
			}
		case *corev1.Service:
			c.selects("Service "+o.Name, &metav1.LabelSelector{MatchLabels: o.Spec.Selector}, found)
		case *policyv1.PodDisruptionBudget:
			budgets[o.Name] = true
			c.selects("PodDisruptionBudget "+o.Name, o.Spec.Selector, found)
		case *networkingv1.NetworkPolicy:
			c.selects("NetworkPolicy "+o.Name, &o.Spec.PodSelector, found)
		}
	}
	for _, p := range c.pods {
		for _, err := range append(p.check(settings), known.podFiles(p)...) {
			found(p.owner, err)
		}
	}
	for _, d := range c.deployments {
		if !budgets[d.Name] {
			found("Deployment "+d.Name, fmt.Errorf("it has no PodDisruptionBudget"))
		}
	}
	return append(problems, c.checkScaling(known)...)
}

// selects says when a selector matches no pod.
func (c *cluster) selects(owner string, s *metav1.LabelSelector, found func(string, error)) {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		found(owner, err)
		return
	}
	for _, p := range c.pods {
		if selector.Matches(labels.Set(p.template.Labels)) {
			return
		}
	}
	found(owner, fmt.Errorf("it selects no pod"))
}
