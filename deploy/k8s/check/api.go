package main

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/apis/apps"
	appsinstall "k8s.io/kubernetes/pkg/apis/apps/install"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/batch"
	batchinstall "k8s.io/kubernetes/pkg/apis/batch/install"
	batchvalidation "k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	coreinstall "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	networkinginstall "k8s.io/kubernetes/pkg/apis/networking/install"
	networkingvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/apis/policy"
	policyinstall "k8s.io/kubernetes/pkg/apis/policy/install"
	policyvalidation "k8s.io/kubernetes/pkg/apis/policy/validation"
)

// api decodes and validates objects with the API server's own code.
type api struct {
	scheme *runtime.Scheme
	strict runtime.Decoder
}

func newAPI() api {
	scheme := runtime.NewScheme()
	coreinstall.Install(scheme)
	appsinstall.Install(scheme)
	batchinstall.Install(scheme)
	networkinginstall.Install(scheme)
	policyinstall.Install(scheme)
	return api{scheme, serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()}
}

// read returns the object that text is, and what the API server would refuse of it.
func (a api) read(text []byte) (runtime.Object, error) {
	object, kind, err := a.strict.Decode(text, nil, nil)
	if err != nil {
		return nil, err
	}
	complete := object.DeepCopyObject()
	a.scheme.Default(complete)
	internal, err := a.scheme.ConvertToVersion(complete, schema.GroupVersion{Group: kind.Group, Version: runtime.APIVersionInternal})
	if err != nil {
		return nil, err
	}
	return object, validate(internal).ToAggregate()
}

// validate holds an object against the rules of its kind.
func validate(object runtime.Object) field.ErrorList {
	switch o := object.(type) {
	case *core.Namespace:
		return corevalidation.ValidateNamespace(o)
	case *core.ConfigMap:
		return corevalidation.ValidateConfigMap(o)
	case *core.Service:
		return corevalidation.ValidateServiceCreate(o)
	case *apps.Deployment:
		return appsvalidation.ValidateDeployment(o, corevalidation.PodValidationOptions{})
	case *batch.Job: // as a template: the server makes the selector
		template := &batch.JobTemplateSpec{ObjectMeta: o.ObjectMeta, Spec: o.Spec}
		return batchvalidation.ValidateJobTemplateSpec(template, nil, corevalidation.PodValidationOptions{})
	case *policy.PodDisruptionBudget:
		return policyvalidation.ValidatePodDisruptionBudget(o, policyvalidation.PodDisruptionBudgetValidationOptions{})
	case *networking.NetworkPolicy:
		return networkingvalidation.ValidateNetworkPolicy(o, networkingvalidation.NetworkPolicyValidationOptions{})
	}
	return field.ErrorList{field.InternalError(nil, fmt.Errorf("no rules for a %T", object))}
}

// keep sorts an object in among those that [cluster.check] looks at together.
func (c *cluster) keep(object runtime.Object) {
	switch o := object.(type) {
	case *appsv1.Deployment:
		c.deployments = append(c.deployments, o)
		c.pods = append(c.pods, pod{"Deployment " + o.Name, o.Spec.Template, true})
	case *batchv1.Job:
		c.pods = append(c.pods, pod{"Job " + o.Name, o.Spec.Template, false})
	default:
		c.others = append(c.others, o)
	}
}
