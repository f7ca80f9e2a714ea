Service.DigitsService.Build(args).Run();
